// A Logto tenant that a test plays: its token endpoint and its Management API with their odd answers, as observed on
// the wire of release 1.42 (200 for a creation, bodies that are text, 422, error bodies that echo a token).

#ifndef GATEHOUSE_AUTH_SERVICE_LOGTO_TESTING_FAKE_LOGTO_H_
#define GATEHOUSE_AUTH_SERVICE_LOGTO_TESTING_FAKE_LOGTO_H_

#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "auth_service/provider/http_client.h"
#include "common/clock.h"
#include "nlohmann/json.hpp"

namespace auth_service {

// Thread-safe.
class FakeLogto final : public HttpClient {
 public:
  static constexpr char kEndpoint[] = "https://tenant.logto.example";
  static constexpr char kApiResource[] = "https://default.logto.app/api";
  static constexpr char kClientId[] = "m2m-client";
  static constexpr char kClientSecret[] = "m2m-s3cret";
  static constexpr char kKnownResourceScope[] = "scope-of-a-resource";

  struct Application {
    nlohmann::json created;  // the body of its creation
    std::vector<std::string> user_scopes;
    std::vector<std::string> resource_scopes;
    nlohmann::json sign_in_experience;
  };

  explicit FakeLogto(const common::Clock& clock) : clock_(clock) {}

  // `entry`: members of the user beside `id` and `isSuspended`.
  void AddUser(const std::string& id, const nlohmann::json& entry = nlohmann::json::object());
  void Suspend(const std::string& id);
  void DeleteUser(const std::string& id);

  // Makes the tokens that were issued so far bad, as a rotation of keys does.
  void ForgetTokens();
  // From now on this is the client's secret.
  void SetSecret(const std::string& secret);
  // The secrets of applications, as the API lists them.
  void SetApplicationSecrets(const nlohmann::json& secrets);

  // Answers the next `times` requests "METHOD /path" whose path begins so with `answer`, before anything is done.
  void Fail(const std::string& method_and_path, absl::StatusOr<HttpResponse> answer, int times = 1);
  // While in force, requests wait for Release().
  void Hold();
  void Release();
  void AwaitRequests(size_t count);

  std::map<std::string, Application> applications() const;
  // All requests so far, "METHOD /path" each.
  std::vector<std::string> calls() const;
  int CountOf(absl::string_view method_and_path) const;
  std::vector<HttpRequest> requests() const;

  absl::StatusOr<HttpResponse> Send(const HttpRequest& request) override;

 private:
  struct Failure {
    std::string method_and_path;
    absl::StatusOr<HttpResponse> answer;
    int times;
  };

  HttpResponse Token(const HttpRequest& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  HttpResponse Api(const HttpRequest& request, absl::string_view path) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  HttpResponse User(absl::string_view id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  HttpResponse Create(const HttpRequest& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  HttpResponse OfApplication(const HttpRequest& request, const std::string& id, absl::string_view what)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const common::Clock& clock_;
  mutable absl::Mutex mutex_;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  std::string secret_ ABSL_GUARDED_BY(mutex_) = kClientSecret;
  int tokens_issued_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, absl::Time> tokens_ ABSL_GUARDED_BY(mutex_);  // to their expiry
  std::map<std::string, nlohmann::json, std::less<>> users_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Application> applications_ ABSL_GUARDED_BY(mutex_);
  int applications_created_ ABSL_GUARDED_BY(mutex_) = 0;
  nlohmann::json application_secrets_ ABSL_GUARDED_BY(mutex_);
  std::vector<Failure> failures_ ABSL_GUARDED_BY(mutex_);
  std::vector<HttpRequest> requests_ ABSL_GUARDED_BY(mutex_);
};

// Writes client id and secret of the fake tenant into files of the test's folder, and names them.
struct FakeLogtoCredentials {
  FakeLogtoCredentials();
  void SetSecret(const std::string& secret) const;
  std::string client_id_file;
  std::string client_secret_file;
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_LOGTO_TESTING_FAKE_LOGTO_H_
