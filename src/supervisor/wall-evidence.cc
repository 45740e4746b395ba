#include "supervisor/wall-evidence.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kj/debug.h>
#include <kj/io.h>
#include <kj/vector.h>

#include "zygote/canary.h"

namespace mayfly::supervisor {
namespace {

using zygote::Layer;
using zygote::LayerState;

constexpr kj::StringPtr SECCOMP = "system-call filter"_kj;
constexpr kj::StringPtr LANDLOCK = "Landlock"_kj;
constexpr kj::StringPtr CAPABILITIES = "no capabilities"_kj;
constexpr kj::StringPtr PRIVILEGES = "no new privileges"_kj;
constexpr kj::StringPtr DUMPABLE = "not dumpable"_kj;
constexpr kj::StringPtr RLIMITS = "resource limits"_kj;
constexpr kj::StringPtr EMPTY_ROOT = "empty root"_kj;
constexpr kj::StringPtr DESCRIPTORS = "descriptors"_kj;

struct Namespace {
  kj::StringPtr wall;
  Layer layer;
  const char* file;  // in /proc/<pid>/ns
  kj::StringPtr consequence;
};

constexpr Namespace NAMESPACES[] = {
    {"user namespace"_kj, Layer::USER_NAMESPACE, "user", "sandboxes run as a user of the host"_kj},
    {"mount namespace"_kj, Layer::MOUNT_NAMESPACE, "mnt",
     "the host's mounts exist for sandboxes, behind the filter and Landlock"_kj},
    {"PID namespace"_kj, Layer::PID_NAMESPACE, "pid",
     "sandboxes survive the death of their zygote and could name processes of the host"_kj},
    {"network namespace"_kj, Layer::NETWORK_NAMESPACE, "net",
     "only the filter stands between sandboxes and the network"_kj},
    {"IPC namespace"_kj, Layer::IPC_NAMESPACE, "ipc",
     "only the filter stands between sandboxes and System V IPC of the host"_kj},
    {"UTS namespace"_kj, Layer::UTS_NAMESPACE, "uts",
     "the host's name exists for sandboxes, behind the filter"_kj},
    {"cgroup namespace"_kj, Layer::CGROUP_NAMESPACE, "cgroup",
     "the host's control groups have their names for sandboxes, behind the filter"_kj},
};
constexpr kj::StringPtr ALLOW_NAMESPACES =
    "allow user namespaces (user.max_user_namespaces, AppArmor, the container's seccomp profile)"_kj;

LayerState activeIf(bool condition) { return condition ? LayerState::ACTIVE : LayerState::ABSENT; }

// One living process through the kernel's eyes.
class ProcFolder {
public:
  explicit ProcFolder(pid_t pid) : path(kj::str("/proc/", pid)) {}

  kj::Maybe<kj::String> read(kj::StringPtr file) const {
    int raw = open(kj::str(path, "/", file).cStr(), O_RDONLY | O_CLOEXEC);
    if (raw < 0) return nullptr;
    kj::AutoCloseFd fd(raw);
    kj::Vector<char> text;
    char part[4096];
    for (ssize_t size; (size = ::read(fd.get(), part, sizeof part)) > 0;)
      text.addAll(part, part + size);
    return kj::heapString(text.begin(), text.size());
  }

  kj::Maybe<kj::String> link(kj::StringPtr file) const {
    char target[256];
    ssize_t size = readlink(kj::str(path, "/", file).cStr(), target, sizeof target);
    if (size < 0) return nullptr;
    return kj::heapString(target, static_cast<size_t>(size));
  }

  kj::String folder() const { return kj::str(path); }

private:
  kj::String path;
};

// The value of a line `Name:\tvalue` in /proc/<pid>/status, with spaces for tabs; empty if there is none.
kj::String fieldOf(kj::StringPtr status, kj::StringPtr name) {
  auto key = kj::str("\n", name, ":");
  const char* found = strstr(status.cStr(), key.cStr());
  if (found == nullptr) return kj::str();
  found += key.size();
  found += strspn(found, " \t");
  auto value = kj::heapString(found, strcspn(found, "\n"));
  for (char& c : value) {
    if (c == '\t') c = ' ';  // between the numbers of NSpid, for instance
  }
  return value;
}

size_t countWords(kj::StringPtr text) {
  size_t count = 0;
  for (const char* p = text.cStr(); *(p += strspn(p, " \t")) != 0; p += strcspn(p, " \t"))
    ++count;
  return count;
}

WallFinding findNamespace(const Zygote& zygote, const Namespace& kind, const ProcFolder& sandbox,
                          const ProcFolder& self, kj::StringPtr status) {
  auto file = kj::str("ns/", kind.file);
  auto finding = [&](LayerState state, kj::String evidence) {
    return WallFinding{kind.wall, state, kj::mv(evidence), kind.consequence, ALLOW_NAMESPACES};
  };
  KJ_IF_MAYBE (theirs, sandbox.link(file)) {
    KJ_IF_MAYBE (ours, self.link(file)) {
      auto evidence = kj::str(*theirs, *theirs == *ours ? " is ours too" : " is not ours");
      if (strcmp(kind.file, "pid") == 0)
        evidence = kj::str(evidence, "; NSpid: ", fieldOf(status, "NSpid"));
      return finding(activeIf(*theirs != *ours), kj::mv(evidence));
    }
  }
  // Another user's process hides its namespaces, but not how many PID namespaces it lives in.
  if (strcmp(kind.file, "pid") == 0) {
    auto pids = fieldOf(status, "NSpid");
    return finding(activeIf(countWords(pids) >= 2), kj::str("NSpid: ", pids));
  }
  bool claimed = zygote.report().layers[static_cast<int>(kind.layer)] != LayerState::ABSENT;
  return finding(claimed ? LayerState::PARTIAL : LayerState::ABSENT,
                 kj::str(claimed ? "claimed by the zygote" : "the zygote has none",
                         "; /proc hides it: ", strerror(errno)));
}

WallFinding findEmptyRoot(const ProcFolder& sandbox) {
  constexpr kj::StringPtr consequence =
      "paths of the host exist, behind the filter and Landlock"_kj;
  KJ_IF_MAYBE (mounts, sandbox.read("mountinfo")) {
    size_t count = 0;
    for (char c : *mounts)
      count += c == '\n';
    bool tmpfs = strstr(mounts->cStr(), " - tmpfs ") != nullptr;
    bool readOnly = strstr(mounts->cStr(), " / / ro,nosuid,nodev,noexec") != nullptr;
    bool empty = count == 1 && tmpfs && readOnly;
    return {EMPTY_ROOT, activeIf(empty),
            empty ? kj::str("one mount: tmpfs, read-only") : kj::str(count, " mounts"), consequence,
            ALLOW_NAMESPACES};
  }
  return {EMPTY_ROOT, LayerState::PARTIAL, kj::str("cannot be read: ", strerror(errno)),
          consequence, ALLOW_NAMESPACES};
}

WallFinding findCapabilities(kj::StringPtr status) {
  kj::Vector<kj::String> fields;
  bool anyHeld = false, bounded = true;
  for (auto name : {"CapInh"_kj, "CapPrm"_kj, "CapEff"_kj, "CapBnd"_kj, "CapAmb"_kj}) {
    auto value = fieldOf(status, name);
    bool zero = value.size() > 0 && strspn(value.cStr(), "0") == value.size();
    if (name == "CapBnd"_kj) {
      bounded = zero;
    } else if (!zero) {
      anyHeld = true;
    }
    fields.add(kj::str(name, ": ", value));
  }
  LayerState state = anyHeld   ? LayerState::ABSENT
                     : bounded ? LayerState::ACTIVE
                               : LayerState::PARTIAL;
  return {CAPABILITIES, state, kj::strArray(fields, ", "),
          "a kernel path meant for administrators may be reachable"_kj,
          "start as root or allow user namespaces"_kj};
}

// The kernel shows this to nobody, so the zygote's word has to do.
WallFinding findDumpable(const Zygote& zygote) {
  LayerState state = zygote.report().layers[static_cast<int>(Layer::NOT_DUMPABLE)];
  return {DUMPABLE, state,
          kj::str("prctl(PR_SET_DUMPABLE, 0) succeeded in the zygote; a canary could not undo it"),
          "a process of the same user could read a sandbox's memory"_kj, "report this"_kj};
}

struct Tally {
  size_t expected = 0, all = 0;
  kj::String text() const {
    return kj::str(expected, " of ", all, " canaries ended as they should");
  }
  bool complete() const { return all > 0 && expected == all; }
};

Tally tallyCanaries(const Zygote& zygote, Layer layer) {
  Tally tally;
  for (auto& result : zygote.canaries()) {
    auto& species = zygote::CANARIES[result.species];
    if (species.layer != layer) continue;
    ++tally.all;
    if (zygote::endedAsExpected(species, result.waitStatus)) ++tally.expected;
  }
  return tally;
}

WallFinding findSeccomp(const Zygote& zygote, kj::StringPtr status) {
  auto mode = fieldOf(status, "Seccomp");
  auto filters = fieldOf(status, "Seccomp_filters");
  auto tally = tallyCanaries(zygote, Layer::SECCOMP);
  bool both = mode == "2" && atoi(filters.cStr()) >= 2;
  return {SECCOMP, activeIf(both && tally.complete()),
          kj::str("Seccomp: ", mode, ", Seccomp_filters: ", filters, "; ", tally.text()),
          "the whole kernel interface is open to a sandbox"_kj,
          "use a kernel with CONFIG_SECCOMP_FILTER"_kj};
}

WallFinding findLimits(const Zygote& zygote, const ProcFolder& sandbox) {
  auto tally = tallyCanaries(zygote, Layer::RLIMITS);
  constexpr kj::StringPtr consequence = "one sandbox can exhaust the machine"_kj;
  KJ_IF_MAYBE (limits, sandbox.read("limits")) {
    auto soft = [&](const char* name) {
      const char* line = strstr(limits->cStr(), name);
      if (line == nullptr) return kj::str("?");
      line += strlen(name);
      line += strspn(line, " ");
      return kj::heapString(line, strcspn(line, " \n"));
    };
    auto data = soft("Max data size"), core = soft("Max core file size"),
         processes = soft("Max processes");
    bool set = data != "unlimited" && data != "?" && core == "0" && processes == "0";
    return {
        RLIMITS, activeIf(set && tally.complete()),
        kj::str("data: ", data, ", core: ", core, ", processes: ", processes, "; ", tally.text()),
        consequence, "report this"_kj};
  }
  return {RLIMITS, tally.complete() ? LayerState::PARTIAL : LayerState::ABSENT, tally.text(),
          consequence, "report this"_kj};
}

WallFinding findLandlock(const Zygote& zygote) {
  int abi = zygote.report().landlockAbi;
  return {
      LANDLOCK, zygote.report().layers[static_cast<int>(Layer::LANDLOCK)],
      abi == 0 ? kj::str("the kernel has none")
               : kj::str("version ", abi, "; the zygote entered its base domain"),
      "sandboxes are not fenced off from each other's signals; the filter still forbids sending any"_kj,
      "use Linux 6.12 or newer with landlock in lsm="_kj};
}

// Exactly: the null device three times, two sockets, and the event loop.
WallFinding findDescriptors(const ProcFolder& sandbox) {
  constexpr kj::StringPtr consequence = "a sandbox holds something that nobody gave it"_kj;
  DIR* entries = opendir(kj::str(sandbox.folder(), "/fd").cStr());
  if (entries == nullptr) {
    return {DESCRIPTORS, LayerState::PARTIAL, kj::str("cannot be read: ", strerror(errno)),
            consequence, "report this"_kj};
  }
  KJ_DEFER(closedir(entries));
  kj::Vector<kj::String> unexpected;
  size_t sockets = 0, nulls = 0, loops = 0;
  while (dirent* entry = readdir(entries)) {
    if (entry->d_name[0] == '.') continue;
    int number = atoi(entry->d_name);
    auto target = sandbox.link(kj::str("fd/", entry->d_name)).orDefault(kj::str("?"));
    if (number <= 2 && target == "/dev/null") {
      ++nulls;
    } else if ((number == 3 || number == 4) && target.startsWith("socket:")) {
      ++sockets;
    } else if (number >= 5 &&
               (target == "anon_inode:[eventpoll]" || target == "anon_inode:[eventfd]" ||
                target == "anon_inode:[timerfd]")) {
      ++loops;
    } else {
      unexpected.add(kj::str(entry->d_name, " → ", target));
    }
  }
  bool exact = nulls == 3 && sockets == 2 && unexpected.size() == 0;
  return {DESCRIPTORS, activeIf(exact),
          exact
              ? kj::str("0-2 /dev/null, 3 and 4 sockets, ", loops, " of the event loop, no others")
              : kj::str("unexpected: ", kj::strArray(unexpected, ", ")),
          consequence, "report this"_kj};
}

const WallFinding& findingOf(kj::ArrayPtr<const WallFinding> walls, kj::StringPtr name) {
  for (auto& wall : walls) {
    if (wall.name == name) return wall;
  }
  KJ_FAIL_REQUIRE("no finding about this wall", name);
}

}  // namespace

Grade gradeOf(kj::ArrayPtr<const WallFinding> walls) {
  auto stateOf = [&](kj::StringPtr name) { return findingOf(walls, name).state; };
  auto active = [&](kj::StringPtr name) { return stateOf(name) == LayerState::ACTIVE; };
  if (!active(SECCOMP) || !active(PRIVILEGES) || stateOf(RLIMITS) == LayerState::ABSENT ||
      stateOf(DESCRIPTORS) == LayerState::ABSENT || stateOf(CAPABILITIES) == LayerState::ABSENT) {
    return Grade::F;
  }
  if (!active(LANDLOCK) || !active(DUMPABLE)) return Grade::C;
  bool namespaces = active(EMPTY_ROOT) && active(CAPABILITIES);
  for (auto& kind : NAMESPACES)
    namespaces = namespaces && active(kind.wall);
  return namespaces ? Grade::A : Grade::B;
}

WallEvidence collectWallEvidence(const Zygote& zygote, pid_t sandboxPid) {
  ProcFolder sandbox(sandboxPid), self(getpid());
  auto status = KJ_REQUIRE_NONNULL(sandbox.read("status"),
                                   "error[doctor.sandbox-gone]: the sandbox to examine has ended",
                                   sandboxPid);
  kj::Vector<WallFinding> walls;
  walls.add(findSeccomp(zygote, status));
  auto privileges = fieldOf(status, "NoNewPrivs");
  walls.add(WallFinding{PRIVILEGES, activeIf(privileges == "1"),
                        kj::str("NoNewPrivs: ", privileges),
                        "a setuid program could raise privileges"_kj, "use Linux 3.5 or newer"_kj});
  walls.add(findCapabilities(status));
  for (auto& kind : NAMESPACES)
    walls.add(findNamespace(zygote, kind, sandbox, self, status));
  walls.add(findEmptyRoot(sandbox));
  walls.add(findLandlock(zygote));
  walls.add(findDumpable(zygote));
  walls.add(findLimits(zygote, sandbox));
  walls.add(findDescriptors(sandbox));
  auto grade = gradeOf(walls);
  return {grade, walls.releaseAsArray(), readKernelFacts()};
}

kj::StringPtr nameOf(Grade grade) {
  switch (grade) {
    case Grade::A:
      return "A"_kj;
    case Grade::B:
      return "B"_kj;
    case Grade::C:
      return "C"_kj;
    case Grade::F:
      return "F"_kj;
  }
  KJ_UNREACHABLE;
}

kj::StringPtr meaningOf(Grade grade) {
  switch (grade) {
    case Grade::A:
      return "fit for programs of many tenants"_kj;
    case Grade::B:
      return "fit for programs of many tenants if the operator accepts missing walls"_kj;
    case Grade::C:
      return "fit for programs of one tenant"_kj;
    case Grade::F:
      return "not fit to run anything"_kj;
  }
  KJ_UNREACHABLE;
}

kj::StringPtr nameOf(zygote::LayerState state) {
  switch (state) {
    case LayerState::ACTIVE:
      return "active"_kj;
    case LayerState::PARTIAL:
      return "partial"_kj;
    case LayerState::ABSENT:
      return "absent"_kj;
  }
  return "absent"_kj;
}

}  // namespace mayfly::supervisor
