// HttpClient on libcurl: HTTPS with pooled keep-alive connections.

#ifndef GATEHOUSE_AUTH_SERVICE_PROVIDER_CURL_HTTP_CLIENT_H_
#define GATEHOUSE_AUTH_SERVICE_PROVIDER_CURL_HTTP_CLIENT_H_

#include <atomic>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "auth_service/provider/http_client.h"

namespace auth_service {

// Each request in progress has a connection of its own, which the next one reuses; connections live at most five
// minutes, so that a change in the DNS is followed. Certificates are checked against the system's CA store, or the one
// given. A proxy named in the environment (https_proxy, no_proxy) is used, except for loopback addresses. Whether an
// address is internal is judged of the very one that is connected to; where the environment names a proxy, that is its
// business. Thread-safe.
class CurlHttpClient final : public HttpClient {
 public:
  // `ca_file`: PEM file of the certificate authorities to trust in place of the system's; empty: the system's.
  explicit CurlHttpClient(std::string ca_file = "");
  ~CurlHttpClient() override;

  CurlHttpClient(const CurlHttpClient&) = delete;
  CurlHttpClient& operator=(const CurlHttpClient&) = delete;

  // An error is marked as NotSent() when no byte of the request went out.
  absl::StatusOr<HttpResponse> Send(const HttpRequest& request) override;

  // Makes requests in progress, and all later ones, fail with kUnavailable within about a second. For shutting down.
  void Abort() { aborted_ = true; }

 private:
  class Handle;

  // A handle that nobody else uses, with the connections it still has.
  Handle* Acquire();
  void GiveBack(Handle* handle);

  const std::string ca_file_;
  std::atomic<bool> aborted_{false};
  absl::Mutex mutex_;
  std::vector<Handle*> idle_ ABSL_GUARDED_BY(mutex_);  // the one used last is the next
};

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_PROVIDER_CURL_HTTP_CLIENT_H_
