#include "zygote/walls.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "confine/capabilities.h"
#include "confine/empty-root.h"
#include "confine/fork-hygiene.h"
#include "confine/landlock.h"
#include "confine/process-attributes.h"
#include "confine/resource-limits.h"
#include "confine/seccomp-child-filter.h"
#include "confine/seccomp-zygote-filter.h"
#include "confine/user-namespace.h"
#include "confine/wall-failure.h"
#include "zygote/control-socket.h"
#include "zygote/fold-memory.h"
#include "zygote/fold-text.h"

namespace mayfly::zygote {
namespace {

constexpr int HOST_FD = 3;
constexpr int LOADER_FD = 4;
constexpr uint32_t DYNAMIC_DESCRIPTORS =
    8;  // 0-4, the event loop's, and one to spare while it is made
constexpr int LANDLOCK_SCOPES_ABI = 6;

constexpr LayerState activeIf(bool condition) {
  return condition ? LayerState::ACTIVE : LayerState::PARTIAL;
}

void enterNamespaces(LayerState* layers) {
  if (getpid() != 1) {
    throw confine::WallFailure{"PID namespace", "the zygote is not process 1 of its namespace", 0,
                               "Report this"};
  }
  for (Layer layer : {Layer::MOUNT_NAMESPACE, Layer::NETWORK_NAMESPACE, Layer::PID_NAMESPACE,
                      Layer::IPC_NAMESPACE, Layer::UTS_NAMESPACE, Layer::CGROUP_NAMESPACE}) {
    layers[static_cast<int>(layer)] = LayerState::ACTIVE;
  }
}

}  // namespace

SandboxGround confineZygote(const ZygoteWalls& walls, ReadyReport& report) {
  auto set = [&](Layer layer, LayerState state) { report.layers[static_cast<int>(layer)] = state; };
  SandboxGround ground = {};
  const int abi = confine::landlockAbi();

  // While /proc can still be read.
  confine::requireSingleThread();
  confine::makeMemoryForkable();  // after the last of V8's own marks, so after booting
  foldText("libnode.so");
  foldMemory();
  ground.baseDataBytes = confine::measureDataBytes();
  const bool asksForOom = confine::volunteerForOomKiller();
  const bool capable = walls.ownNamespaces || geteuid() == 0;
  const bool becomesNobody = capable && confine::hasUnprivilegedId();

  // While we are still capable, inside our own namespaces.
  bool singleUserNamespace = false;
  if (walls.ownNamespaces) {
    enterNamespaces(report.layers);
    singleUserNamespace = confine::forbidNestedUserNamespaces();
    confine::enterEmptyRoot();  // /proc is gone from here on
    set(Layer::EMPTY_ROOT, LayerState::ACTIVE);
  }
  ground.ceiling = confine::limitZygote();
  set(Layer::RLIMITS, activeIf(asksForOom));

  // Become nobody. The ids change while capabilities last, the capabilities go right after.
  if (capable) confine::renounceCapabilities();
  if (becomesNobody) confine::takeUnprivilegedId();
  confine::dropCapabilities();
  set(Layer::NO_CAPABILITIES, activeIf(capable));
  if (walls.ownNamespaces) set(Layer::USER_NAMESPACE, activeIf(singleUserNamespace));

  // A change of ids resets the first two: they come after it.
  confine::becomeUndumpable();
  set(Layer::NOT_DUMPABLE, LayerState::ACTIVE);
  confine::dieWithParent();
  confine::forbidNewPrivileges();  // Landlock and seccomp require it
  set(Layer::NO_NEW_PRIVILEGES, LayerState::ACTIVE);
  if (!walls.executableMemory) confine::forbidNewExecutableMemory();

  // The only wall that may be missing: the kernel may have none, and then the report says so.
  report.landlockAbi = abi;
  if (abi > 0) {
    confine::prepareLandlockOfSandboxes(abi, LANDLOCK_FD);
    confine::enterLandlockBase(abi);
    ground.landlock = true;
    set(Layer::LANDLOCK, activeIf(abi >= LANDLOCK_SCOPES_ABI));
  }

  // Last, because it forbids most of the above.
  confine::installZygoteFilter(walls.executableMemory ? confine::ExecutableMemory::ALLOWED
                                                      : confine::ExecutableMemory::FORBIDDEN);
  set(Layer::SECCOMP, LayerState::ACTIVE);

  report.baseDataBytes = ground.baseDataBytes;
  strncpy(report.v8Version, walls.v8Version, sizeof report.v8Version - 1);
  strncpy(report.profile, walls.profile, sizeof report.profile - 1);
  return ground;
}

void confineSandbox(const ForkOrder& order, int hostSocket, int loaderSocket,
                    const SandboxGround& ground) {
  static_assert(HOST_FD == CONTROL_FD);
  confine::moveDescriptor(hostSocket, HOST_FD);  // replaces the control socket, which must go first
  confine::moveDescriptor(loaderSocket, LOADER_FD);
  confine::closeDescriptorsFrom(LANDLOCK_FD + 1);
  confine::dieWithParent();
  confine::limitSandbox({
      .dataBytes = ground.baseDataBytes + order.memoryBytes,
      .cpuSeconds = order.cpuSeconds,
      .descriptors = order.role == Role::PARENT ? ground.ceiling.descriptors : DYNAMIC_DESCRIPTORS,
      .mostDataBytes = ground.ceiling.dataBytes,
  });
  if (ground.landlock) confine::enterLandlockOfSandbox(LANDLOCK_FD);
  confine::closeDescriptorsFrom(LANDLOCK_FD);
}

void sealSandbox(Role role) {
  confine::installChildFilter(role == Role::PARENT ? confine::SandboxKind::PARENT
                                                   : confine::SandboxKind::DYNAMIC);
}

}  // namespace mayfly::zygote
