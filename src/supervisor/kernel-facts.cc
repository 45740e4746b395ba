#include "supervisor/kernel-facts.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <kj/debug.h>
#include <kj/io.h>
#include <kj/vector.h>

#include <algorithm>
#include <string>
#include <vector>

namespace mayfly::supervisor {
namespace {

constexpr kj::StringPtr UNKNOWN = "unknown"_kj;

// The first bytes of a small file, without the final newline; nothing if it cannot be read.
kj::Maybe<kj::String> readSmall(kj::StringPtr path) {
  int raw = open(path.cStr(), O_RDONLY | O_CLOEXEC);
  if (raw < 0) return nullptr;
  kj::AutoCloseFd file(raw);
  char text[4096];
  ssize_t size = read(file.get(), text, sizeof text);
  if (size < 0) return nullptr;
  while (size > 0 && text[size - 1] == '\n')
    --size;
  return kj::heapString(text, static_cast<size_t>(size));
}

class Facts {
public:
  void add(kj::StringPtr name, kj::StringPtr value, kj::StringPtr advice = ""_kj) {
    facts.add(KernelFact{kj::str(name), kj::str(value), kj::str(advice)});
  }

  // The content of `path`; `advice` unless the content is `good`.
  void addFile(kj::StringPtr name, kj::StringPtr path, kj::StringPtr good, kj::StringPtr advice) {
    KJ_IF_MAYBE (value, readSmall(path)) {
      add(name, *value, *value == good ? ""_kj : advice);
    } else {
      add(name, UNKNOWN);
    }
  }

  kj::Array<KernelFact> take() { return facts.releaseAsArray(); }

private:
  kj::Vector<KernelFact> facts;
};

void addVulnerabilities(Facts& facts) {
  const char* folder = "/sys/devices/system/cpu/vulnerabilities";
  DIR* entries = opendir(folder);
  if (entries == nullptr) {
    facts.add("cpu.vulnerabilities", UNKNOWN);
    return;
  }
  KJ_DEFER(closedir(entries));
  std::vector<std::string> names;
  while (dirent* entry = readdir(entries)) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  std::sort(names.begin(), names.end());
  for (auto& name : names) {
    KJ_IF_MAYBE (value, readSmall(kj::str(folder, "/", name.c_str()))) {
      facts.add(kj::str("cpu.", name.c_str()), *value,
                value->startsWith("Vulnerable")
                    ? "update microcode and kernel, or separate tenants by machine"_kj
                    : ""_kj);
    }
  }
}

void addSwap(Facts& facts) {
  KJ_IF_MAYBE (text, readSmall("/proc/swaps")) {
    size_t lines = 1 + static_cast<size_t>(std::count(text->begin(), text->end(), '\n'));
    bool none = lines <= 1;  // only the heading
    facts.add(
        "swap", none ? "none"_kj : "in use"_kj,
        none ? ""_kj : "memory of sandboxes may reach the disk: encrypt swap or turn it off"_kj);
  } else {
    facts.add("swap", UNKNOWN);
  }
}

void addCorePattern(Facts& facts) {
  KJ_IF_MAYBE (pattern, readSmall("/proc/sys/kernel/core_pattern")) {
    facts.add("core_pattern", *pattern);  // no advice: sandboxes are not dumpable whatever it says
  } else {
    facts.add("core_pattern", UNKNOWN);
  }
}

// Delegation: whether this process may make control groups below its own.
void addCgroup(Facts& facts) {
  struct statfs fs;
  if (statfs("/sys/fs/cgroup", &fs) != 0) {
    facts.add("cgroup", UNKNOWN,
              "without control groups the memory of the kernel itself is not bounded per sandbox");
    return;
  }
  if (fs.f_type != CGROUP2_SUPER_MAGIC) {
    facts.add("cgroup", "version 1 or hybrid",
              "boot with systemd.unified_cgroup_hierarchy=1 for memory limits by cgroup");
    return;
  }
  kj::String own = kj::str("/");
  KJ_IF_MAYBE (line, readSmall("/proc/self/cgroup")) {
    if (line->startsWith("0::")) own = kj::str(line->slice(3));
  }
  bool delegated =
      access(kj::str("/sys/fs/cgroup", own, "/cgroup.subtree_control").cStr(), W_OK) == 0;
  facts.add("cgroup", delegated ? "version 2, delegated"_kj : "version 2, not delegated"_kj,
            delegated ? ""_kj : "run as a systemd service with Delegate=yes"_kj);
}

}  // namespace

kj::Array<KernelFact> readKernelFacts() {
  Facts facts;
  utsname system;
  facts.add("kernel", uname(&system) == 0 ? kj::StringPtr(system.release) : UNKNOWN);
  addVulnerabilities(facts);
  facts.addFile("cpu.smt", "/sys/devices/system/cpu/smt/active", "0",
                "two sandboxes may share a core's caches: turn SMT off where tenants are hostile "
                "to each other");
  addSwap(facts);
  addCorePattern(facts);
  facts.addFile("ksm", "/sys/kernel/mm/ksm/run", "0",
                "merged pages can be told apart by timing: turn KSM off");
  facts.addFile(
      "io_uring_disabled", "/proc/sys/kernel/io_uring_disabled", "2",
      "sandboxes cannot use io_uring anyway; 2 closes it for everything else on this machine");
  facts.addFile("unprivileged_bpf_disabled", "/proc/sys/kernel/unprivileged_bpf_disabled", "2",
                "sandboxes cannot use bpf anyway; 2 closes it for everything else on this machine");
  facts.addFile("overcommit_memory", "/proc/sys/vm/overcommit_memory", "0",
                "2 refuses the large reservations that V8 makes and never touches; 1 hides "
                "exhaustion until it kills");
  facts.addFile("max_user_namespaces", "/proc/sys/user/max_user_namespaces", "", "");
  addCgroup(facts);
  return facts.take();
}

}  // namespace mayfly::supervisor
