#include "config/project-reader.h"

#include <sys/stat.h>

#include <algorithm>

#include "base/text-escape.h"
#include "config/files.h"
#include "config/worker-reader.h"

namespace mayfly::config {
namespace {

constexpr kj::StringPtr CONFIG_NAMES[] = {"wrangler.jsonc"_kj, "wrangler.json"_kj,
                                          "wrangler.toml"_kj};
constexpr size_t MAX_WORKERS = 64;

bool isDirectory(kj::StringPtr path) {
  struct stat info{};
  return stat(path.cStr(), &info) == 0 && S_ISDIR(info.st_mode);
}

void addWorker(Project& project, WorkerConfig worker) {
  for (auto& other : project.workers) {
    if (other.name != worker.name) continue;
    OperatorError{
        .code = kj::str("config.duplicate-worker"),
        .what = kj::str("two workers are called ", quoteJson(worker.name)),
        .where = escapeLine(worker.configPath),
        .why = kj::str("the other is that of ", escapeLine(other.configPath)),
        .fix = kj::str("give each its own \"name\""),
    }
        .raise();
  }
  project.workers.add(kj::mv(worker));
}

// `what` names the key that refers to the worker, for the error.
void checkWorkerExists(const Project& project, kj::StringPtr name, kj::String what,
                       kj::StringPtr where) {
  bool known = std::any_of(project.workers.begin(), project.workers.end(),
                           [&](const WorkerConfig& other) { return other.name == name; });
  if (known) return;
  OperatorError{
      .code = kj::str("config.unknown-worker"),
      .what = kj::str(what, " names a worker ", quoteJson(name), " that does not exist"),
      .where = kj::str(where),
      .why = kj::str("the workers of this project are ",
                     kj::strArray(
                         KJ_MAP(other, project.workers) { return quoteJson(other.name); }, ", ")),
      .fix = kj::str(
          "correct the name, or add that worker's configuration file to \"mayfly.workers\""),
  }
      .raise();
}

void checkServices(const Project& project) {
  for (auto& worker : project.workers) {
    for (auto& binding : worker.services) {
      checkWorkerExists(
          project, binding.service,
          kj::str("the service ", quoteJson(binding.name), " of worker ", quoteJson(worker.name)),
          binding.where);
    }
    for (auto& consumer : worker.tailConsumers) {
      checkWorkerExists(project, consumer.service,
                        kj::str("\"tail_consumers\" of worker ", quoteJson(worker.name)),
                        consumer.where);
    }
  }
}

}  // namespace

kj::String findConfigFile(kj::StringPtr directory) {
  for (auto name : CONFIG_NAMES) {
    auto path = resolvePath(directory, name);
    if (fileExists(path)) return path;
  }
  OperatorError{
      .code = kj::str("config.no-file"),
      .what = kj::str("there is no configuration in ", escapeLine(resolvePath(directory, "."))),
      .why = kj::str("neither ", kj::strArray(CONFIG_NAMES, " nor "), " is there"),
      .fix = kj::str("name the file on the command line, or write one: {\"name\": \"app\", "
                     "\"main\": \"index.ts\", "
                     "\"compatibility_date\": \"2026-01-01\"}"),
  }
      .raise();
}

Project readProject(kj::StringPtr path) {
  auto file = isDirectory(path) ? findConfigFile(path) : resolvePath(".", path);
  Project project;
  auto first = readConfigFile(file, project.warnings);
  project.mayfly = kj::mv(first.mayfly).orDefault(MayflyOptions());
  project.workers.add(kj::mv(first.worker));
  if (project.mayfly.workerFiles.size() >= MAX_WORKERS) {
    OperatorError{
        .code = kj::str("config.too-many-workers"),
        .what = kj::str("\"mayfly.workers\" names more than ", MAX_WORKERS - 1, " files"),
        .where = escapeLine(file),
    }
        .raise();
  }
  for (auto& further : project.mayfly.workerFiles) {
    auto other = readConfigFile(isDirectory(further) ? findConfigFile(further) : kj::str(further),
                                project.warnings);
    if (other.mayfly != nullptr) {
      project.warnings.add(OperatorError{
          .code = kj::str("config.unsupported-key"),
          .what = kj::str("the key \"mayfly\" has no effect here"),
          .where = escapeLine(other.worker.configPath),
          .why =
              kj::str("the one in ", escapeLine(file), " counts, for all workers of the project"),
      });
    }
    addWorker(project, kj::mv(other.worker));
  }
  checkServices(project);
  return project;
}

}  // namespace mayfly::config
