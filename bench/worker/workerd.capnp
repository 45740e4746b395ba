# The same parent Worker for workerd.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "main", worker = .parent)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);

const parent :Workerd.Worker = (
  modules = [(name = "parent.js", esModule = embed "parent.js")],
  compatibilityDate = "2026-04-22",
  bindings = [(name = "LOADER", workerLoader = ())],
);
