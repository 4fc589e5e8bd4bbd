// What a tool service offers: its tools, their handlers, and the catalogue made of them.
//
// Knows no transport: GrpcService serves it, Run() makes a process of it.

#ifndef GATEHOUSE_TOOL_SERVICE_SDK_SERVICE_H_
#define GATEHOUSE_TOOL_SERVICE_SDK_SERVICE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "tool_service/sdk/tool_context.h"

namespace tool_service {

// Where a handler runs.
enum class Execution {
  // On a thread of the executor, where it may wait for whatever it likes. The number of such calls is bounded.
  kMayBlock,
  // On the thread that reads the network. Saves a change of threads and holds up every other call while it runs: only
  // for
  // handlers that compute for some microseconds and never wait, not even for a contended lock.
  kInline,
};

// A tool and its handler. Immutable.
struct RegisteredTool {
  Tool tool;
  Handler handler;
  Execution execution;
};

// Hears of changes of the catalogue.
class CatalogWatcher {
 public:
  virtual ~CatalogWatcher() = default;
  // The catalogue is no longer what it was: see Service::catalog(). Called on the thread that changed it, without
  // locks.
  virtual void OnCatalogChanged() = 0;
};

// Thread-safe. Tools may come and go while calls are served; every change reaches the edge, and through it the clients.
// A call that has begun is finished by the handler it began with.
class Service {
 public:
  // `name` names the service in logs and messages.
  explicit Service(std::string name) : name_(std::move(name)) {}

  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Offers a tool, after those already there. An empty input schema becomes that of a tool without arguments.
  //
  // Errors, which are also remembered in startup_status() so that a service with a broken tool does not start:
  //   kInvalidArgument, the name, a schema or another field breaks a rule of `Tool` in tool.proto;
  //   kAlreadyExists, there is a tool of this name;
  //   kResourceExhausted, the catalogue would be too large.
  absl::Status AddTool(Tool tool, Handler handler, Execution execution = Execution::kMayBlock);

  // Errors: kNotFound, there is no such tool.
  absl::Status RemoveTool(absl::string_view name);

  // Advice for the model on how to use this service as a whole; at most 4 KiB.
  //
  // Errors, remembered as above: kInvalidArgument, it is longer.
  absl::Status SetInstructions(absl::string_view instructions);

  // How long clients may keep what they were told of the catalogue.
  void SetCacheHint(CacheHint hint);

  const std::string& name() const { return name_; }

  // The first error of AddTool() and SetInstructions(), or OK.
  absl::Status startup_status() const;

  // The catalogue as it is now. The object does not change; a later change makes a new one.
  std::shared_ptr<const Catalog> catalog() const;

  // The tool of this name, or null.
  std::shared_ptr<const RegisteredTool> Find(absl::string_view name) const;

  // Tells `watcher` of every change from now on, for as long as it lives.
  void Watch(std::weak_ptr<CatalogWatcher> watcher);

 private:
  absl::Status TryAddTool(Tool tool, Handler handler, Execution execution);
  absl::Status Remember(absl::Status status);
  void Changed() ABSL_LOCKS_EXCLUDED(mutex_);

  const std::string name_;
  mutable absl::Mutex mutex_;
  absl::Status startup_status_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::shared_ptr<const RegisteredTool>> tools_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> order_ ABSL_GUARDED_BY(mutex_);
  size_t catalog_bytes_ ABSL_GUARDED_BY(mutex_) = 0;                        // of the tools, encoded
  Catalog rest_ ABSL_GUARDED_BY(mutex_);                                    // all of the catalogue but the tools
  mutable std::shared_ptr<const Catalog> catalog_ ABSL_GUARDED_BY(mutex_);  // null: to be built when asked for
  std::vector<std::weak_ptr<CatalogWatcher>> watchers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_SDK_SERVICE_H_
