// The public keys of those who may say who calls: fetched from the edge's admin port or read from a file, kept, and
// kept fresh. Knows no assertions.

#ifndef GATEHOUSE_TOOL_SERVICE_SDK_PRINCIPAL_KEYS_H_
#define GATEHOUSE_TOOL_SERVICE_SDK_PRINCIPAL_KEYS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/es256_jws.h"

namespace tool_service {

// By key id.
using KeySet = absl::flat_hash_map<std::string, common::Es256PublicKey>;

inline constexpr size_t kMaxKeySetBytes = 64 << 10;

// Reads a JWK Set (RFC 7517, section 5): the P-256 keys in it that have a `kid` and may sign with ES256, at most 64;
// whatever else stands there is not looked at.
//
// Errors: kInvalidArgument, it is no JWK Set, too large, or has no such key.
absl::StatusOr<KeySet> ParseKeySet(absl::string_view json);

// Where the keys are: an http URL, or the path of a file.
//
// Errors: kInvalidArgument, with what is wrong with it.
absl::Status CheckKeyLocation(const std::string& location);

// Gets keys anew. May block for some seconds; one thread at a time.
using KeyFetcher = std::function<absl::StatusOr<KeySet>()>;

// A fetcher for a location that CheckKeyLocation takes. From a URL: of every address that its host has (each replica of
// the edge may have a key of its own) all keys together; those of an address that does not answer are kept as they
// were, unless none answers. At most 16 addresses, 64 KiB and three seconds each, ten in all, no redirects.
KeyFetcher MakeKeyFetcher(const std::string& location);

// How often MakeKeyFetcher's place is worth looking at when nothing asks for it: five minutes for a URL, five seconds
// for a file.
absl::Duration RefreshIntervalFor(const std::string& location);

// Keeps the keys, and fetches them again on a thread of its own: every `refresh_interval`, after a failure every
// second, and when a key is asked for that is not there. At most once a second. Thread-safe.
class PrincipalKeys {
 public:
  // `location` is for messages. There are no keys, and no thread, before Start().
  PrincipalKeys(std::string location, KeyFetcher fetch, absl::Duration refresh_interval)
      : location_(std::move(location)), fetch_(std::move(fetch)), refresh_interval_(refresh_interval) {}
  ~PrincipalKeys() { Stop(); }

  PrincipalKeys(const PrincipalKeys&) = delete;
  PrincipalKeys& operator=(const PrincipalKeys&) = delete;

  // Begins to fetch. `on_first_keys`: called once, on that thread, when there are keys for the first time. Not to be
  // called twice.
  void Start(std::function<void()> on_first_keys = nullptr);

  // Fetches no more, and waits for the end of a fetch under way. Whoever waits is told that there are none. May be
  // called more than once, by one thread.
  void Stop();

  // Null: they have never been fetched.
  std::shared_ptr<const KeySet> current() const;

  // Waits for the end of a fetch that begins after the call, or until `deadline`.
  //
  // Errors: kUnavailable, the keys could not be fetched in time, or too many wait already.
  absl::Status AwaitFetch(absl::Time deadline);

  // For readiness: OK once there are keys. Does not block.
  //
  // Errors: kUnavailable, they have never been fetched, and why.
  absl::Status Ready() const;

 private:
  void Work();

  const std::string location_;
  const KeyFetcher fetch_;
  const absl::Duration refresh_interval_;
  std::function<void()> on_first_keys_;  // set before the thread begins
  mutable absl::Mutex mutex_;
  std::shared_ptr<const KeySet> current_ ABSL_GUARDED_BY(mutex_);
  absl::Status last_status_ ABSL_GUARDED_BY(mutex_) = absl::UnavailableError("they are being fetched");
  int64_t begun_ ABSL_GUARDED_BY(mutex_) = 0;  // fetches
  int64_t ended_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t wanted_ ABSL_GUARDED_BY(mutex_) = 1;  // how many must end for everybody to have what they wait for
  int waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread worker_;
};

}  // namespace tool_service

#endif  // GATEHOUSE_TOOL_SERVICE_SDK_PRINCIPAL_KEYS_H_
