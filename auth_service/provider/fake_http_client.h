// A provider that a test plays.

#ifndef GATEHOUSE_AUTH_SERVICE_PROVIDER_FAKE_HTTP_CLIENT_H_
#define GATEHOUSE_AUTH_SERVICE_PROVIDER_FAKE_HTTP_CLIENT_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "auth_service/provider/http_client.h"

namespace auth_service {

// Answers each URL as told last; any other with 404. While Hold() is in force, requests wait for Release().
// Thread-safe.
class FakeHttpClient final : public HttpClient {
 public:
  void Answer(const std::string& url, int status, std::string body) {
    AnswerWith(url, HttpResponse{status, std::move(body)});
  }

  void AnswerWith(const std::string& url, absl::StatusOr<HttpResponse> answer) {
    absl::MutexLock lock(&mutex_);
    answers_.insert_or_assign(url, std::move(answer));
  }

  void Hold() {
    absl::MutexLock lock(&mutex_);
    held_ = true;
  }

  void Release() {
    absl::MutexLock lock(&mutex_);
    held_ = false;
  }

  // Waits until there have been `count` requests in all.
  void AwaitRequests(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto reached = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return requests_.size() >= count; };
    mutex_.Await(absl::Condition(&reached));
  }

  std::vector<HttpRequest> requests() const {
    absl::MutexLock lock(&mutex_);
    return requests_;
  }

  // How many requests there were for `url`.
  int CountOf(const std::string& url) const {
    absl::MutexLock lock(&mutex_);
    int count = 0;
    for (const HttpRequest& request : requests_) count += request.url == url ? 1 : 0;
    return count;
  }

  absl::StatusOr<HttpResponse> Send(const HttpRequest& request) override {
    absl::MutexLock lock(&mutex_);
    requests_.push_back(request);
    const auto released = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !held_; };
    mutex_.Await(absl::Condition(&released));
    const auto answer = answers_.find(request.url);
    if (answer == answers_.end()) return HttpResponse{404, "not found"};
    return answer->second;
  }

 private:
  mutable absl::Mutex mutex_;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  absl::flat_hash_map<std::string, absl::StatusOr<HttpResponse>> answers_ ABSL_GUARDED_BY(mutex_);
  std::vector<HttpRequest> requests_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_PROVIDER_FAKE_HTTP_CLIENT_H_
