#include "cli/command-line.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <initializer_list>
#include <iostream>
#include <string_view>

#include "cli/exit-codes.h"
#include "cli/suggestion.h"
#include "cli/version.h"

namespace mayfly::cli {
namespace {

constexpr std::initializer_list<std::string_view> COMMANDS = {"serve",  "run",     "test",
                                                              "doctor", "version", "help"};

constexpr const char* ABOUT =
    "Mayfly runs generated code in disposable sandboxes: each one a forked, walled V8 process\n"
    "that did not exist a millisecond ago and is gone a millisecond later.";

constexpr const char* MAIN_FOOTER =
    "\nExamples:\n"
    "  mayfly run answer.js --args '[\"Ada\"]'   one file, one fresh sandbox\n"
    "  mayfly serve                            the worker of ./wrangler.jsonc, over HTTP\n"
    "  mayfly test tests/*.test.ts             every exported test\n"
    "  mayfly doctor                           which walls are up on this machine\n"
    "\n`mayfly COMMAND --help` explains one command.\n"
    "Exit status: 0 success, 1 failure, 2 wrong usage, 3 a limit was hit (run).";

constexpr const char* SERVE_FOOTER =
    "\nPrints one line, `listening on http://HOST:PORT`, when the worker is ready. Console output "
    "and\n"
    "messages of the system go to standard error. SIGTERM and SIGINT let requests in flight "
    "finish,\n"
    "then everything ends.\n"
    "\nExamples:\n"
    "  mayfly serve\n"
    "  mayfly serve shop/wrangler.jsonc --listen 0.0.0.0:80\n"
    "  mayfly serve --listen 127.0.0.1:0       a free port, named in the line above\n"
    "\nExit status: 0 ended by a signal, 1 the worker does not start, 2 wrong usage or "
    "configuration\n"
    "(error[serve.port-in-use], error[config.…]).";

constexpr const char* RUN_FOOTER =
    "\nThe file may export a function, an object of methods or a WorkerEntrypoint class as "
    "default, or be\n"
    "a bare (async) arrow function or statements, as models write them. It has no network and no "
    "files.\n"
    "The result is printed as JSON; console output and errors go to standard error.\n"
    "With --json one object is printed instead:\n"
    "  {\"ok\":true,\"result\":…,\"logs\":[…]}\n"
    "  {\"ok\":false,\"error\":{\"name\":…,\"message\":…,\"code\":…,\"stack\":…},\"logs\":[…]}\n"
    "\nExamples:\n"
    "  mayfly run answer.js\n"
    "  mayfly run prices.ts --call total --args '[[1,2,3]]' --env '{\"CURRENCY\":\"EUR\"}'\n"
    "  mayfly run loop.js --cpu-ms 100         ends with ERR_CPU_LIMIT\n"
    "\nExit status: 0 a result, 1 the program failed, 2 wrong usage, 3 a limit was hit.";

constexpr const char* TEST_FOOTER =
    "\nRuns every exported `test(controller, env, ctx)` handler, default export and named exports, "
    "of the\n"
    "configured worker or of each FILE. A FILE is a worker of its own, with a loader of sandboxes "
    "as\n"
    "`env.LOADER`; its imports are found from its own directory.\n"
    "\nPrints `ok NAME (ms)` or `not ok NAME` and why; the last line is `N passed, N failed`.\n"
    "\nExamples:\n"
    "  mayfly test                             the worker of ./wrangler.jsonc\n"
    "  mayfly test tests/loader.test.ts --filter 'globalOutbound'\n"
    "\nExit status: 0 all passed, 1 a test failed or a file does not start, 2 wrong usage.";

constexpr const char* DOCTOR_FOOTER =
    "\nStarts a zygote and looks at what it and its canaries met, not at what was asked for.\n"
    "\nGrades: A all walls, fit for several tenants; B no namespaces; C no Landlock scopes either, "
    "one\n"
    "tenant only; F no system call filter: nothing starts.\n"
    "\nExit status: 0 grade A, 1 any lower grade, 2 wrong usage.";

void addServe(CLI::App& app, ServeOptions& options) {
  app.add_option("config", options.config,
                 "wrangler.jsonc, wrangler.toml, or the directory with one")
      ->capture_default_str();
  app.add_option("--listen", options.listen,
                 "HOST:PORT; default: the configuration's `dev`, else 127.0.0.1:8787");
  app.add_option("--drain-seconds", options.drainSeconds,
                 "how long requests in flight may take after SIGTERM")
      ->capture_default_str()
      ->check(CLI::Range(0, 3600));
  app.add_flag("--json-logs", options.jsonLogs, "log lines as JSON objects");
  app.add_option("--request-log", options.requestLog,
                 "a log line for each HTTP request: on, off, or auto, which is on for a terminal")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "on", "off"}));
  app.footer(SERVE_FOOTER);
}

void addRun(CLI::App& app, RunOptions& options) {
  app.add_option("file", options.file, "the program: .js, .mjs or .ts")->required();
  app.add_option("--call", options.call,
                 "the method to call; default: `run`, else the default export");
  app.add_option("--args", options.args, "its arguments, a JSON array")->capture_default_str();
  app.add_option("--env", options.env, "what it finds in `env`, a JSON object")
      ->capture_default_str();
  app.add_option("--cpu-ms", options.cpuMs, "CPU time it may use; default 1000")
      ->check(CLI::Range(1, 300'000));
  app.add_option("--wall-ms", options.wallMs, "time it may take; default 30000")
      ->check(CLI::Range(1, 3'600'000));
  app.add_option("--memory-mb", options.memoryMb, "memory it may use, in MiB; default 128")
      ->check(CLI::Range(16, 65'536));
  app.add_option("--profile", options.profile, "the kind of sandbox")->capture_default_str();
  app.add_flag("--json", options.json, "print one JSON object, errors included");
  app.footer(RUN_FOOTER);
}

void addTest(CLI::App& app, TestOptions& options) {
  app.add_option("targets", options.targets,
                 "a configuration or its directory, or test FILEs; default: .");
  app.add_option("--filter", options.filter,
                 "only tests whose name matches this regular expression");
  app.add_option("--timeout-ms", options.timeoutMs, "time one test may take")
      ->capture_default_str()
      ->check(CLI::Range(1, 3'600'000));
  app.footer(TEST_FOOTER);
}

int refuseUnknown(std::string_view word) {
  std::cerr << "error[usage.unknown-command]: there is no command \"" << word << "\"\n";
  if (auto similar = findSimilar(word, COMMANDS)) {
    std::cerr << "  fix    did you mean `mayfly " << *similar << "`?\n";
  } else {
    std::cerr << "  fix    `mayfly --help` lists the commands\n";
  }
  return EXIT_USAGE;
}

std::string describeMistake(const CLI::App* app, const CLI::Error& mistake) {
  std::string command = "mayfly";
  for (auto* chosen : app->get_subcommands())
    command += " " + chosen->get_name();
  return std::string("error[usage.arguments]: ") + mistake.what() + "\n  fix    `" + command +
         " --help` shows what it takes\n";
}

}  // namespace

Command parseCommandLine(int argc, const char* const* argv) {
  CLI::App app(ABOUT, "mayfly");
  app.footer(MAIN_FOOTER);
  app.set_version_flag("--version", std::string("mayfly ") + VERSION);
  app.require_subcommand(0, 1);
  // Examples are laid out by hand.
  app.get_formatter()->enable_footer_formatting(false);
  app.get_formatter()->enable_description_formatting(false);
  app.get_formatter()->column_width(26);
  app.failure_message(describeMistake);

  ServeOptions serve;
  RunOptions run;
  TestOptions test;
  DoctorOptions doctor;
  auto* serveApp = app.add_subcommand("serve", "run a worker and answer HTTP requests with it");
  auto* runApp = app.add_subcommand("run", "run one file in one fresh sandbox");
  auto* testApp = app.add_subcommand("test", "run the tests that a worker or test files export");
  auto* doctorApp =
      app.add_subcommand("doctor", "show which walls are up on this machine, with evidence");
  auto* versionApp = app.add_subcommand("version", "print the version");
  auto* helpApp = app.add_subcommand("help", "show this list");
  addServe(*serveApp, serve);
  addRun(*runApp, run);
  addTest(*testApp, test);
  doctorApp->add_flag("--json", doctor.json, "print one JSON object");
  doctorApp->footer(DOCTOR_FOOTER);

  if (argc > 1 && argv[1][0] != '-' &&
      std::find(COMMANDS.begin(), COMMANDS.end(), argv[1]) == COMMANDS.end()) {
    return ExitNow{refuseUnknown(argv[1])};
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return ExitNow{app.exit(e) == 0 ? EXIT_OK : EXIT_USAGE};
  }
  if (serveApp->parsed()) return serve;
  if (runApp->parsed()) return run;
  if (testApp->parsed()) return test;
  if (doctorApp->parsed()) return doctor;
  if (versionApp->parsed()) {
    std::cout << "mayfly " << VERSION << "\n";
    return ExitNow{EXIT_OK};
  }
  std::ostream& out = helpApp->parsed() ? std::cout : std::cerr;
  out << app.help();
  return ExitNow{helpApp->parsed() ? EXIT_OK : EXIT_USAGE};
}

}  // namespace mayfly::cli
