// mayfly-zygote: boots V8 and the built-ins, confines itself, then forks sandboxes on request.
//
// Started by the supervisor only, inside its namespaces, with the control socket as descriptor 3:
//   mayfly-zygote --profile=NAME [--without-namespaces] -- [V8 FLAG]…
//
// Reads downward: what is settled on one line holds for all below it.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <v8-initialization.h>

#include <kj/debug.h>
#include <kj/exception.h>
#include <kj/string.h>
#include <kj/vector.h>

#include "confine/process-attributes.h"
#include "confine/wall-failure.h"
#include "sandbox/sandbox.h"
#include "zygote/control-socket.h"
#include "zygote/fork-loop.h"
#include "zygote/walls.h"

namespace mayfly::zygote {
namespace {

struct CommandLine {
  kj::StringPtr profile = "";
  bool ownNamespaces = true;
  bool jitless = false;
  kj::Vector<kj::StringPtr> v8Flags;
};

CommandLine parse(kj::ArrayPtr<char*> arguments) {
  CommandLine line;
  bool ours = true;
  for (kj::StringPtr argument : arguments) {
    if (!ours) {
      if (argument == "--jitless") line.jitless = true;
      line.v8Flags.add(argument);
    } else if (argument == "--") {
      ours = false;
    } else if (argument.startsWith("--profile=")) {
      line.profile = argument.slice(strlen("--profile="));
    } else if (argument == "--without-namespaces") {
      line.ownNamespaces = false;
    } else {
      KJ_FAIL_REQUIRE("error[zygote.usage]: unknown argument", argument);
    }
  }
  return line;
}

void requireControlSocket() {
  int type = 0;
  socklen_t size = sizeof type;
  if (getsockopt(CONTROL_FD, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET)
    return;
  fprintf(stderr,
          "error[zygote.no-supervisor]: mayfly-zygote is started by mayfly, not by hand\n"
          "  why    descriptor 3 is not a control socket\n"
          "  fix    run `mayfly serve`, `mayfly run` or `mayfly doctor`\n");
  _exit(2);
}

// The supervisor's event loop blocks and ignores signals; that survives an exec and is not ours to keep.
void resetSignals() {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
}

// Until here the dynamic loader's and V8's last words reached the operator. A sandbox has nobody to talk to.
void giveUpStandardError() {
  if (dup3(STDIN_FILENO, STDERR_FILENO, 0) < 0) {
    throw confine::WallFailure{"descriptors", "dup3 of /dev/null", errno, "Report this"};
  }
}

[[noreturn]] void reportFailure(int error, const char* what) {
  sendFailedOrExit(error, what);
  _exit(EXIT_NOT_CONFINED);
}

}  // namespace
}  // namespace mayfly::zygote

int main(int argc, char** argv) {
  using namespace mayfly;
  using namespace mayfly::zygote;
  requireControlSocket();
  try {
    confine::dieWithParent();
    resetSignals();
    const CommandLine line = parse(kj::arrayPtr(argv + 1, argc - 1));

    auto sandbox = sandbox::Sandbox::boot(line.v8Flags);

    giveUpStandardError();
    ReadyReport report;
    const SandboxGround ground = confineZygote(
        {
            .profile = line.profile.cStr(),
            .v8Version = v8::V8::GetVersion(),
            .ownNamespaces = line.ownNamespaces,
            .executableMemory = !line.jitless,
        },
        report);

    sendOrExit(report);
    serveForks(*sandbox, ground);
  } catch (const confine::WallFailure& failure) {
    char text[sizeof(Failed::what)];
    failure.describe(text, sizeof text);
    reportFailure(failure.error, text);
  } catch (const kj::Exception& exception) {
    reportFailure(0, exception.getDescription().cStr());
  } catch (const std::exception& exception) {
    reportFailure(0, exception.what());
  }
}
