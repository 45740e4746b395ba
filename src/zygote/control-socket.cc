#include "zygote/control-socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

namespace mayfly::zygote {
namespace {

constexpr uint64_t MAX_MEMORY_BYTES = uint64_t(1) << 44;

bool isWholeFork(const Request& request, size_t descriptors) {
  if (request.size != sizeof(ForkOrder) || request.kind != Kind::FORK || descriptors != 2)
    return false;
  switch (request.fork.role) {
    case Role::DYNAMIC:
    case Role::PARENT:
    case Role::CANARY:
      return request.fork.memoryBytes <= MAX_MEMORY_BYTES;
  }
  return false;
}

bool isWholeReap(const Request& request, size_t descriptors) {
  return request.size == sizeof(Reap) && request.kind == Kind::REAP && descriptors == 0;
}

bool sendOrExit(const void* data, size_t size, int descriptor) {
  iovec part = {.iov_base = const_cast<void*>(data), .iov_len = size};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (descriptor != NO_DESCRIPTOR) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  }
  ssize_t sent;
  do {
    sent = sendmsg(CONTROL_FD, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0 && errno == ETOOMANYREFS) return false;
  if (sent != static_cast<ssize_t>(size)) _exit(0);  // the supervisor is gone
  return true;
}

}  // namespace

Request receiveRequestOrExit() {
  Request request;
  iovec part = {.iov_base = &request.fork, .iov_len = sizeof request.fork};
  constexpr size_t MOST_DESCRIPTORS = 2;
  alignas(cmsghdr) char control[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int))];
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t size;
  do {
    size = recvmsg(CONTROL_FD, &message, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size <= 0) _exit(0);  // the supervisor is gone

  size_t descriptors = 0;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
      _exit(EXIT_MALFORMED_REQUEST);
    descriptors = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    int received[MOST_DESCRIPTORS] = {NO_DESCRIPTOR, NO_DESCRIPTOR};
    memcpy(received, CMSG_DATA(header), descriptors * sizeof(int));
    request.hostSocket = received[0];
    request.loaderSocket = received[1];
  }
  request.size = static_cast<size_t>(size);
  bool truncated = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  if (truncated || (!isWholeFork(request, descriptors) && !isWholeReap(request, descriptors))) {
    _exit(EXIT_MALFORMED_REQUEST);
  }
  return request;
}

void sendOrExit(const ReadyReport& report) { sendOrExit(&report, sizeof report, NO_DESCRIPTOR); }
bool sendOrExit(const Forked& forked, int pidfd) {
  return sendOrExit(&forked, sizeof forked, pidfd);
}
void sendOrExit(const Reaped& reaped) { sendOrExit(&reaped, sizeof reaped, NO_DESCRIPTOR); }

void sendFailedOrExit(int error, const char* what) {
  Failed failed;
  failed.error = error;
  strncpy(failed.what, what, sizeof failed.what - 1);
  sendOrExit(&failed, sizeof failed, NO_DESCRIPTOR);
}

}  // namespace mayfly::zygote
