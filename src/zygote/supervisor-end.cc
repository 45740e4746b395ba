#include "zygote/supervisor-end.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

namespace mayfly::zygote {

Question::Question(const Reap& order) : size(sizeof order) { memcpy(bytes, &order, sizeof order); }

Question::Question(const ForkOrder& order, kj::AutoCloseFd hostSocket, kj::AutoCloseFd loaderSocket)
    : size(sizeof order) {
  memcpy(bytes, &order, sizeof order);
  descriptors.add(kj::mv(hostSocket));
  descriptors.add(kj::mv(loaderSocket));
}

Question::Departure Question::trySend(int control) const {
  iovec part = {.iov_base = const_cast<char*>(bytes), .iov_len = size};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char ancillary[CMSG_SPACE(2 * sizeof(int))] = {};
  if (descriptors.size() == 2) {
    message.msg_control = ancillary;
    message.msg_controllen = sizeof ancillary;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(2 * sizeof(int));
    int numbers[2] = {descriptors[0].get(), descriptors[1].get()};
    memcpy(CMSG_DATA(header), numbers, sizeof numbers);
  }
  ssize_t sent;
  do {
    sent = sendmsg(control, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0 && errno == EAGAIN) return Departure::SOCKET_FULL;
  if (sent < 0 && errno == ETOOMANYREFS) return Departure::TOO_MANY_IN_FLIGHT;
  return Departure::SENT;
}

Answer::Arrival Answer::tryReceive(int control) {
  iovec part = {.iov_base = bytes, .iov_len = sizeof bytes};
  alignas(cmsghdr) char ancillary[CMSG_SPACE(sizeof(int))];
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = ancillary;
  message.msg_controllen = sizeof ancillary;
  ssize_t received;
  do {
    received = recvmsg(control, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (received < 0 && errno == EINTR);
  if (received < 0) return errno == EAGAIN ? Arrival::NOTHING_YET : Arrival::END;
  if (received == 0) return Arrival::END;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
    int fd;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    descriptor = kj::AutoCloseFd(fd);
  }
  size = static_cast<size_t>(received);
  bool odd = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || size < sizeof(Kind);
  return odd ? Arrival::INVALID : Arrival::MESSAGE;
}

kj::String textOf(const Failed& failed) {
  return kj::heapString(failed.what, strnlen(failed.what, sizeof failed.what));
}

}  // namespace mayfly::zygote
