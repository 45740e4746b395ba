#include "config/worker-reader.h"

#include <algorithm>

#include "base/text-escape.h"
#include "config/files.h"
#include "config/jsonc-parser.h"
#include "config/module-rules.h"
#include "config/object-reader.h"
#include "config/options-reader.h"
#include "config/secrets-file.h"
#include "config/toml-parser.h"

namespace mayfly::config {
namespace {

constexpr size_t MAX_SECRETS_BYTES = 1024 * 1024;

// Concern the hosted product or an editor; here they mean nothing, and that surprises nobody.
constexpr kj::StringPtr SILENT_KEYS[] = {
    "$schema"_kj, "account_id"_kj, "workers_dev"_kj,   "preview_urls"_kj, "placement"_kj,
    "logpush"_kj, "keep_vars"_kj,  "observability"_kj, "send_metrics"_kj, "upload_source_maps"_kj,
};

struct IgnoredKey {
  kj::StringPtr key;
  kj::StringPtr consequence;
};

// Have a meaning that Mayfly does not give them.
constexpr IgnoredKey IGNORED_KEYS[] = {
    {"routes"_kj, "every host name that reaches the listening address is served"_kj},
    {"route"_kj, "every host name that reaches the listening address is served"_kj},
    {"env"_kj, "environments are not supported: the settings at the top level are used"_kj},
    {"build"_kj, "no custom build runs: build first, then start Mayfly"_kj},
    {"durable_objects"_kj, "its bindings will be missing from env"_kj},
    {"migrations"_kj, "there are no Durable Objects to migrate"_kj},
    {"kv_namespaces"_kj, "its bindings will be missing from env"_kj},
    {"r2_buckets"_kj, "its bindings will be missing from env"_kj},
    {"d1_databases"_kj, "its bindings will be missing from env"_kj},
    {"queues"_kj, "its bindings will be missing from env, and no queue is consumed"_kj},
    {"assets"_kj, "no static files are served"_kj},
    {"triggers"_kj, "scheduled() is not called"_kj},
    {"streaming_tail_consumers"_kj, "nobody is sent trace items"_kj},
};

// Bindings to products that exist only where they are sold.
constexpr kj::StringPtr REFUSED_KEYS[] = {
    "ai"_kj,
    "vectorize"_kj,
    "hyperdrive"_kj,
    "browser"_kj,
    "images"_kj,
    "analytics_engine_datasets"_kj,
    "dispatch_namespaces"_kj,
    "workflows"_kj,
    "send_email"_kj,
    "mtls_certificates"_kj,
    "version_metadata"_kj,
    "secrets_store_secrets"_kj,
    "pipelines"_kj,
    "unsafe"_kj,
};

constexpr kj::StringPtr KNOWN_KEYS[] = {
    "name"_kj,
    "main"_kj,
    "compatibility_date"_kj,
    "compatibility_flags"_kj,
    "vars"_kj,
    "services"_kj,
    "tail_consumers"_kj,
    "worker_loaders"_kj,
    "limits"_kj,
    "rules"_kj,
    "no_bundle"_kj,
    "find_additional_modules"_kj,
    "base_dir"_kj,
    "alias"_kj,
    "define"_kj,
    "minify"_kj,
    "tsconfig"_kj,
    "dev"_kj,
    "mayfly"_kj,
    "durable_objects"_kj,
    "kv_namespaces"_kj,
    "r2_buckets"_kj,
    "d1_databases"_kj,
    "queues"_kj,
    "assets"_kj,
    "triggers"_kj,
    "env"_kj,
    "routes"_kj,
    "observability"_kj,
    "migrations"_kj,
};

class WorkerReader {
public:
  WorkerReader(ObjectReader& rootToRead, kj::StringPtr configPath,
               kj::Vector<OperatorError>& warningsToAdd)
      : root(rootToRead), directory(parentOf(configPath)), warnings(warningsToAdd) {
    worker.configPath = kj::str(configPath);
  }

  WorkerConfig read() {
    refuseProducts();
    readIdentity();
    readProgram();
    readBindings();
    readLimitsAndDev();
    return kj::mv(worker);
  }

  void warnAboutTheRest() {
    for (auto key : SILENT_KEYS)
      root.find(key);
    for (auto& ignored : IGNORED_KEYS) {
      KJ_IF_MAYBE (value, root.find(ignored.key)) {
        warnings.add(OperatorError{
            .code = kj::str("config.unsupported-key"),
            .what = kj::str("the key ", quoteJson(ignored.key), " has no effect"),
            .where = root.where(*value),
            .why = kj::str(ignored.consequence),
        });
      }
    }
    root.eachUnread([&](const ConfigValue& value) {
      kj::String fix;
      KJ_IF_MAYBE (nearest, findNearest(value.key, KNOWN_KEYS))
        fix = kj::str("did you mean ", quoteJson(*nearest), "?");
      warnings.add(OperatorError{
          .code = kj::str("config.unknown-key"),
          .what = kj::str("the key ", quoteJson(value.key), " is unknown and has no effect"),
          .where = root.where(value),
          .fix = kj::mv(fix),
      });
    });
  }

private:
  ObjectReader& root;
  kj::String directory;
  kj::Vector<OperatorError>& warnings;
  WorkerConfig worker;

  void refuseProducts() {
    for (auto key : REFUSED_KEYS) {
      KJ_IF_MAYBE (value, root.find(key)) {
        bool empty = value->kind == ConfigValue::Kind::NOTHING ||
                     (value->items.size() == 0 && value->kind != ConfigValue::Kind::STRING);
        if (empty) continue;
        OperatorError{
            .code = kj::str("config.unsupported-binding"),
            .what = kj::str("Mayfly has no ", quoteJson(key)),
            .where = root.where(*value),
            .why = kj::str("it binds the worker to a product of the hosting platform"),
            .fix = kj::str("remove the key; a worker of your own, named under \"services\", can "
                           "take its place in env"),
        }
            .raise();
      }
    }
  }

  void readIdentity() {
    KJ_IF_MAYBE (name, root.findString("name")) {
      worker.name = kj::mv(*name);
    }
    if (worker.name.size() == 0) worker.name = fileNameOf(directory);

    auto date = root.getString("compatibility_date",
                               "the day whose behaviour the worker was written for, as YYYY-MM-DD");
    if (!isDate(date)) {
      KJ_IF_MAYBE (value, root.find("compatibility_date"))
        root.wrongType(*value, "a date as YYYY-MM-DD"_kj);
    }
    worker.compatibilityDate = kj::mv(date);
    worker.compatibilityFlags = root.stringList("compatibility_flags");
  }

  static bool isDate(kj::StringPtr text) {
    if (text.size() != 10) return false;
    for (size_t i = 0; i < 10; ++i) {
      if (i == 4 || i == 7 ? text[i] != '-' : text[i] < '0' || text[i] > '9') return false;
    }
    int month = (text[5] - '0') * 10 + text[6] - '0';
    int day = (text[8] - '0') * 10 + text[9] - '0';
    return month >= 1 && month <= 12 && day >= 1 && day <= 31;
  }

  void readProgram() {
    auto main = root.getString(
        "main", "the file with the worker's entrypoints, relative to the configuration");
    worker.mainPath = resolvePath(directory, main);
    if (!fileExists(worker.mainPath)) {
      KJ_IF_MAYBE (value, root.find("main")) {
        OperatorError{
            .code = kj::str("config.no-main"),
            .what = kj::str("\"main\" names ", quoteJson(main), ", which is not a file"),
            .where = root.where(*value),
            .why = kj::str("there is no file ", escapeLine(worker.mainPath)),
        }
            .raise();
      }
    }
    worker.noBundle = root.findBoolean("no_bundle").orDefault(false);
    worker.findAdditionalModules =
        root.findBoolean("find_additional_modules").orDefault(kj::cp(worker.noBundle));
    worker.minify = root.findBoolean("minify").orDefault(false);
    KJ_IF_MAYBE (baseDir, root.findString("base_dir")) {
      worker.baseDir = resolvePath(directory, *baseDir);
      while (worker.baseDir.size() > 1 && worker.baseDir.endsWith("/")) {
        worker.baseDir = kj::str(worker.baseDir.slice(0, worker.baseDir.size() - 1));
      }
    } else {
      worker.baseDir = parentOf(worker.mainPath);
    }
    if (relativeTo(worker.baseDir, worker.mainPath) == nullptr) {
      OperatorError{
          .code = kj::str("config.main-outside"),
          .what = kj::str("\"main\" is not below \"base_dir\""),
          .where = root.where(),
          .why = kj::str(escapeLine(worker.mainPath), " is not in ", escapeLine(worker.baseDir)),
      }
          .raise();
    }
    KJ_IF_MAYBE (tsconfig, root.findString("tsconfig"))
      worker.tsconfigPath = resolvePath(directory, *tsconfig);
    readDefines("alias", worker.alias);
    readDefines("define", worker.define);
    readRules();
  }

  void readDefines(kj::StringPtr key, kj::Vector<DefineRule>& out) {
    root.object(key, [&](ObjectReader& object) {
      object.eachUnread([&](const ConfigValue& member) {
        if (member.kind != ConfigValue::Kind::STRING) object.wrongType(member, "a string"_kj);
        out.add(DefineRule{kj::str(member.key), kj::str(member.text)});
      });
    });
  }

  void readRules() {
    root.eachObject("rules", [&](ObjectReader& rule) {
      auto type = rule.getString(
          "type", "the kind of module: ESModule, CommonJS, Text, Json, Data or CompiledWasm");
      kj::Maybe<ModuleKind> kind = findModuleKind(type);
      if (kind == nullptr) {
        OperatorError{
            .code = kj::str("config.unknown-module-type"),
            .what = kj::str("there are no modules of the type ", quoteJson(type)),
            .where = rule.where(),
            .fix = kj::str("use ESModule, CommonJS, Text, Json, Data or CompiledWasm"),
        }
            .raise();
      }
      KJ_IF_MAYBE (known, kind) {
        worker.rules.add(ModuleRule{*known, rule.stringList("globs"),
                                    rule.findBoolean("fallthrough").orDefault(false),
                                    rule.where()});
      }
      rule.refuseUnread();
    });
    addBuiltInRules(worker.rules, worker.noBundle);
  }

  void readBindings() {
    root.object("vars", [&](ObjectReader& vars) {
      vars.eachUnread([&](const ConfigValue& member) {
        worker.vars.add(VariableBinding{kj::str(member.key), member.toJson()});
      });
    });
    readSecrets();
    root.eachObject("worker_loaders", [&](ObjectReader& loader) {
      worker.loaders.add(LoaderBinding{bindingName(loader)});
      warnAboutUnread(loader);
    });
    root.eachObject("services", [&](ObjectReader& service) {
      ServiceBinding binding;
      binding.name = bindingName(service);
      binding.service = service.getString("service", "the name of the worker that is bound");
      KJ_IF_MAYBE (entrypoint, service.findString("entrypoint"))
        binding.entrypoint = kj::mv(*entrypoint);
      KJ_IF_MAYBE (props, service.find("props")) {
        if (props->kind != ConfigValue::Kind::OBJECT) service.wrongType(*props, "an object"_kj);
        binding.propsJson = props->toJson();
      }
      binding.where = service.where();
      worker.services.add(kj::mv(binding));
      warnAboutUnread(service);
    });
    root.eachObject("tail_consumers", [&](ObjectReader& consumer) {
      auto service = consumer.getString("service", "the name of the worker that gets trace items");
      consumer.find("environment");
      worker.tailConsumers.add(TailConsumer{kj::mv(service), consumer.where()});
      warnAboutUnread(consumer);
    });
    refuseDuplicates();
  }

  static kj::String bindingName(ObjectReader& object) {
    return object.getString("binding", "the name of the property of env");
  }

  void warnAboutUnread(ObjectReader& object) {
    object.eachUnread([&](const ConfigValue& value) {
      warnings.add(OperatorError{
          .code = kj::str("config.unknown-key"),
          .what = kj::str("the key ", quoteJson(object.pathOf(value.key)),
                          " is unknown and has no effect"),
          .where = object.where(value),
      });
    });
  }

  void readSecrets() {
    for (auto file : {".dev.vars"_kj, ".env"_kj}) {
      auto path = resolvePath(directory, file);
      if (!fileExists(path)) continue;
      auto text = readTextFile(path, MAX_SECRETS_BYTES, "beside the configuration");
      for (auto& secret : parseSecrets(text, path)) {
        bool replaced = false;
        for (auto& variable : worker.vars) {
          if (variable.name != secret.name) continue;
          variable.json = kj::str(secret.json);
          replaced = true;
        }
        if (!replaced) worker.vars.add(kj::mv(secret));
      }
      return;  // only one of the two counts
    }
  }

  void refuseDuplicates() {
    kj::Vector<kj::StringPtr> names;
    auto add = [&](kj::StringPtr name, kj::StringPtr where) {
      if (std::find(names.begin(), names.end(), name) != names.end()) {
        OperatorError{
            .code = kj::str("config.duplicate-binding"),
            .what = kj::str("two bindings are called ", quoteJson(name)),
            .where = kj::str(where),
            .why = kj::str("env can have only one property of this name"),
            .fix = kj::str("rename one"),
        }
            .raise();
      }
      names.add(name);
    };
    for (auto& binding : worker.vars)
      add(binding.name, root.where());
    for (auto& binding : worker.loaders)
      add(binding.name, root.where());
    for (auto& binding : worker.services)
      add(binding.name, binding.where);
  }

  void readLimitsAndDev() {
    root.object("limits", [&](ObjectReader& limits) {
      worker.cpuMs = limits.findInteger("cpu_ms", 1, 300'000);
      worker.subrequests = limits.findInteger("subrequests", 0, 1'000'000);
      warnAboutUnread(limits);
    });
    root.object("dev", [&](ObjectReader& dev) {
      auto ip = dev.findString("ip");
      auto port = dev.findInteger("port", 0, 65535);
      if (ip != nullptr || port != nullptr) {
        auto host = kj::mv(ip).orDefault(kj::str("127.0.0.1"));
        bool bare6 = host.findFirst(':') != nullptr && !host.startsWith("[");
        worker.listen =
            kj::str(bare6 ? "[" : "", host, bare6 ? "]" : "", ':', port.orDefault(8787));
      }
      for (auto key : {"local_protocol"_kj, "inspector_port"_kj, "upstream_protocol"_kj, "host"_kj})
        dev.find(key);
      warnAboutUnread(dev);
    });
  }
};

}  // namespace

ConfigFile readConfigFile(kj::StringPtr path, kj::Vector<OperatorError>& warnings) {
  auto text = readTextFile(path, MAX_CONFIG_BYTES, "the configuration");
  auto file = escapeLine(path);
  auto tree = path.endsWith(".toml") ? parseToml(text, file) : parseJsonc(text, file);
  ObjectReader root(tree, file, ""_kj);
  WorkerReader reader(root, path, warnings);
  ConfigFile result;
  root.object("mayfly", [&](ObjectReader& options) {
    result.mayfly = readMayflyOptions(options, parentOf(path));
  });
  result.worker = reader.read();
  reader.warnAboutTheRest();
  return result;
}

}  // namespace mayfly::config
