#include "confine/seccomp-child-filter.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "confine/wall-failure.h"

namespace mayfly::confine {
namespace {

constexpr unsigned KILL = SECCOMP_RET_KILL_PROCESS;
constexpr unsigned REFUSE = SECCOMP_RET_ERRNO | EPERM;
constexpr unsigned ALLOW = SECCOMP_RET_ALLOW;

// Calls from `first` to `last` get `verdict`; calls that no range names are allowed. Ranges ascend.
struct Range {
  unsigned first, last, verdict;
};

// Where a range spans several calls, those not named beside it are refused by the zygote's filter anyway.
constexpr Range DYNAMIC_RANGES[] = {
    {SYS_sendmsg, SYS_recvmsg, KILL},
    {SYS_bind, SYS_clone, KILL},  // getsockname getpeername setsockopt getsockopt clone
    {SYS_fcntl, SYS_fcntl, KILL},
    {SYS_prctl, SYS_prctl, REFUSE},
    {SYS_setrlimit, SYS_setrlimit, KILL},
    {SYS_waitid, SYS_waitid, KILL},
    {SYS_timerfd_create, SYS_timerfd_create, KILL},
    {SYS_accept4, SYS_dup3, KILL},  // accept4 eventfd2 epoll_create1 dup3
    {SYS_seccomp, SYS_seccomp, KILL},
    {SYS_close_range, SYS_close_range, KILL},
    {SYS_landlock_restrict_self, SYS_landlock_restrict_self, KILL},
};

constexpr Range PARENT_RANGES[] = {
    {SYS_clone, SYS_clone, KILL},
    {SYS_prctl, SYS_prctl, REFUSE},
    {SYS_setrlimit, SYS_setrlimit, KILL},
    {SYS_waitid, SYS_waitid, KILL},
    {SYS_timerfd_create, SYS_timerfd_create, KILL},
    {SYS_eventfd2, SYS_dup3, KILL},  // eventfd2 epoll_create1 dup3
    {SYS_seccomp, SYS_seccomp, KILL},
    {SYS_close_range, SYS_close_range, KILL},
    {SYS_landlock_restrict_self, SYS_landlock_restrict_self, KILL},
};

// A program that finds the verdict by binary search: load the number, log2(bounds) comparisons, an answer.
class Program {
public:
  template <size_t N>
  consteval explicit Program(const Range (&ranges)[N]) {
    // Cut the numbers into intervals: interval i holds those from bounds[i-1] up to, not including, bounds[i].
    unsigned bounds[2 * N] = {}, verdicts[2 * N + 1] = {ALLOW};
    size_t cuts = 0;
    for (const Range& range : ranges) {
      if (cuts > 0 && bounds[cuts - 1] == range.first) --cuts;  // adjoins its predecessor
      bounds[cuts++] = range.first;
      verdicts[cuts] = range.verdict;
      bounds[cuts++] = range.last + 1;
      verdicts[cuts] = ALLOW;
    }
    // Jumps only lead forward, so build from the end: the answers, the leaves' comparisons, …, the root.
    append({BPF_RET | BPF_K, 0, 0, ALLOW});
    append({BPF_RET | BPF_K, 0, 0, KILL});
    append({BPF_RET | BPF_K, 0, 0, REFUSE});
    search(bounds, verdicts, 0, cuts);
    append(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
    for (size_t i = 0; i < length / 2; ++i) {
      sock_filter other = code[i];
      code[i] = code[length - 1 - i];
      code[length - 1 - i] = other;
    }
  }

  constexpr std::span<const sock_filter> instructions() const { return {code.data(), length}; }

private:
  std::array<sock_filter, 40> code = {};
  size_t length = 0;

  constexpr size_t append(sock_filter instruction) {
    code.at(length) = instruction;
    return length++;
  }

  // Emits the search among intervals first … last; gives the position of its entry, counted from the end.
  constexpr size_t search(const unsigned* bounds, const unsigned* verdicts, size_t first,
                          size_t last) {
    if (first == last) return verdicts[first] == ALLOW ? 0 : verdicts[first] == KILL ? 1 : 2;
    size_t middle = (first + last) / 2;
    size_t below = search(bounds, verdicts, first, middle);
    size_t above = search(bounds, verdicts, middle + 1, last);
    return append({BPF_JMP | BPF_JGE | BPF_K, static_cast<__u8>(length - above - 1),
                   static_cast<__u8>(length - below - 1), bounds[middle]});
  }
};

constexpr Program DYNAMIC_PROGRAM(DYNAMIC_RANGES);
constexpr Program PARENT_PROGRAM(PARENT_RANGES);

}  // namespace

std::span<const sock_filter> childFilter(SandboxKind kind) {
  return (kind == SandboxKind::PARENT ? PARENT_PROGRAM : DYNAMIC_PROGRAM).instructions();
}

void installChildFilter(SandboxKind kind) {
  auto code = childFilter(kind);
  // The kernel only reads the program, though its interface says otherwise.
  sock_fprog program = {.len = static_cast<unsigned short>(code.size()),
                        .filter = const_cast<sock_filter*>(code.data())};
  require(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), "seccomp",
          "seccomp in the sandbox",
          "A kernel with CONFIG_SECCOMP_FILTER is needed; Mayfly does not run without it");
}

}  // namespace mayfly::confine
