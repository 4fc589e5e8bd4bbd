#include "auth_service/provider/curl_http_client.h"

#include <curl/curl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <memory>
#include <utility>

#include "absl/base/call_once.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "auth_service/provider/internal_address.h"
#include "auth_service/provider/not_sent.h"
#include "auth_service/provider/url.h"

namespace auth_service {
namespace {

constexpr absl::Duration kConnectTimeout = absl::Seconds(3);
constexpr long kMaxConnectionLifeSeconds = 300;
constexpr size_t kMaxHeaderBytes = 64 * 1024;
constexpr size_t kMaxKeptHeaderBytes = 8 * 1024;
constexpr size_t kMaxIdleHandles = 64;

// The value of the first of these variables that says something.
absl::string_view Variable(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const char* const value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return {};
}

// Whether the environment has libcurl ask a proxy for `url`. In doubt (an address range in no_proxy) it does not.
bool UsesProxy(const Url& url) {
  const absl::string_view proxy = url.scheme == "https"
                                      ? Variable({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"})
                                      : Variable({"http_proxy", "all_proxy", "ALL_PROXY"});
  if (proxy.empty()) return false;
  for (absl::string_view direct : absl::StrSplit(Variable({"no_proxy", "NO_PROXY"}), absl::ByAnyChar(", "))) {
    direct = absl::StripPrefix(direct, ".");
    if (direct.empty()) continue;
    if (direct == "*" || absl::StrContains(direct, '/')) return false;
    if (absl::EqualsIgnoreCase(url.host, direct) || absl::EndsWithIgnoreCase(url.host, absl::StrCat(".", direct))) {
      return false;
    }
  }
  return true;
}

void InitCurlOnce() {
  // Not thread-safe in libcurl; and never undone, since the process needs it to its end.
  static absl::once_flag once;
  absl::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

struct HeaderListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, HeaderListDeleter>;

void AppendHeader(HeaderList& list, const std::string& line) {
  list.reset(curl_slist_append(list.release(), line.c_str()));
}

}  // namespace

// A libcurl easy handle and the request that it works on.
class CurlHttpClient::Handle {
 public:
  Handle(const std::string& ca_file, const std::atomic<bool>& aborted) : curl_(curl_easy_init()), aborted_(aborted) {
    Set(CURLOPT_NOSIGNAL, 1L);
    Set(CURLOPT_QUICK_EXIT, 1L);  // a name server that does not answer holds up nobody after the timeout
    Set(CURLOPT_FOLLOWLOCATION, 0L);
    Set(CURLOPT_PROTOCOLS_STR, "http,https");
    Set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    Set(CURLOPT_TCP_KEEPALIVE, 1L);
    Set(CURLOPT_MAXLIFETIME_CONN, kMaxConnectionLifeSeconds);
    Set(CURLOPT_MAXCONNECTS, 4L);
    Set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!ca_file.empty()) {
      Set(CURLOPT_CAINFO, ca_file.c_str());
      Set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
    }
    Set(CURLOPT_OPENSOCKETFUNCTION, &Handle::OnOpenSocket);
    Set(CURLOPT_OPENSOCKETDATA, this);
    Set(CURLOPT_PREREQFUNCTION, &Handle::OnConnected);
    Set(CURLOPT_PREREQDATA, this);
    Set(CURLOPT_ERRORBUFFER, error_);
    Set(CURLOPT_WRITEFUNCTION, &Handle::OnBody);
    Set(CURLOPT_WRITEDATA, this);
    Set(CURLOPT_HEADERFUNCTION, &Handle::OnHeader);
    Set(CURLOPT_HEADERDATA, this);
    Set(CURLOPT_XFERINFOFUNCTION, &Handle::OnProgress);
    Set(CURLOPT_XFERINFODATA, this);
    Set(CURLOPT_NOPROGRESS, 0L);
  }

  ~Handle() { curl_easy_cleanup(curl_); }

  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  absl::StatusOr<HttpResponse> Send(const HttpRequest& request) {
    response_ = HttpResponse();
    header_bytes_ = 0;
    too_large_ = false;
    refused_address_ = false;
    max_response_bytes_ = request.max_response_bytes;
    error_[0] = '\0';

    HeaderList headers;
    AppendHeader(headers, "Accept: application/json");
    AppendHeader(headers, "User-Agent: gatehouse-auth");
    if (!request.bearer_token.empty()) {
      AppendHeader(headers, absl::StrCat("Authorization: Bearer ", request.bearer_token));
    }
    if (!request.basic_user.empty()) {
      AppendHeader(headers, absl::StrCat("Authorization: Basic ",
                                         absl::Base64Escape(absl::StrCat(FormEncode(request.basic_user), ":",
                                                                         FormEncode(request.basic_password)))));
    }
    SetBody(request, headers);
    const absl::Duration timeout = std::max(request.timeout, absl::Milliseconds(1));
    Set(CURLOPT_URL, request.url.c_str());
    Set(CURLOPT_HTTPHEADER, headers.get());
    Set(CURLOPT_TIMEOUT_MS, static_cast<long>(absl::ToInt64Milliseconds(timeout)));
    Set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(absl::ToInt64Milliseconds(std::min(timeout, kConnectTimeout))));
    const absl::StatusOr<Url> url = ParseUrl(absl::string_view(request.url).substr(0, request.url.find('?')));
    const bool is_loopback = url.ok() && url->IsLoopback();
    Set(CURLOPT_PROXY, is_loopback ? "" : static_cast<const char*>(nullptr));
    may_be_internal_ = request.may_be_internal || (url.ok() && !is_loopback && UsesProxy(*url));

    const CURLcode code = curl_easy_perform(curl_);
    Set(CURLOPT_HTTPHEADER, static_cast<curl_slist*>(nullptr));
    if (code == CURLE_OK) {
      long status = 0;
      curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
      response_.status = static_cast<int>(status);
      char* address = nullptr;
      curl_easy_getinfo(curl_, CURLINFO_PRIMARY_IP, &address);
      response_.is_internal = address == nullptr || IsInternalAddress(absl::string_view(address));
      return std::move(response_);
    }
    if (too_large_) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the answer is longer than ", request.max_response_bytes, " bytes"));
    }
    if (refused_address_) {
      return NotSent(absl::UnavailableError(
          "its address is private, loopback or otherwise internal, while that of the issuer is not"));
    }
    const absl::string_view error = error_[0] != '\0' ? error_ : curl_easy_strerror(code);
    const absl::Status failure =
        code == CURLE_OPERATION_TIMEDOUT ? absl::DeadlineExceededError(error) : absl::UnavailableError(error);
    long bytes_sent = 0;  // on all connections that were tried
    curl_easy_getinfo(curl_, CURLINFO_REQUEST_SIZE, &bytes_sent);
    return bytes_sent == 0 ? NotSent(failure) : failure;
  }

 private:
  // The method, and the body if there is one.
  void SetBody(const HttpRequest& request, HeaderList& headers) {
    Set(CURLOPT_HTTPGET, 1L);  // also forgets the body of the request before
    if (!request.content_type.empty() || request.method == HttpMethod::kPost) {
      AppendHeader(headers, request.content_type.empty() ? "Content-Type:"  // libcurl would say that it is a form
                                                         : absl::StrCat("Content-Type: ", request.content_type));
      AppendHeader(headers, "Expect:");  // no round trip to ask whether the body may come
      Set(CURLOPT_POST, 1L);
      Set(CURLOPT_POSTFIELDSIZE, static_cast<long>(request.body.size()));
      Set(CURLOPT_POSTFIELDS, request.body.data());
    }
    Set(CURLOPT_CUSTOMREQUEST, HttpMethodName(request.method));
  }

  template <typename T>
  void Set(CURLoption option, T value) {
    curl_easy_setopt(curl_, option, value);
  }

  // Of each address that is tried, however the name was resolved.
  static curl_socket_t OnOpenSocket(void* self, curlsocktype, curl_sockaddr* address) {
    Handle& handle = *static_cast<Handle*>(self);
    if (!handle.may_be_internal_ && IsInternalAddress(address->addr)) {
      handle.refused_address_ = true;
      return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  }

  // Before each request, also on a connection that another one has left open.
  static int OnConnected(void* self, char* address, char*, int, int) {
    Handle& handle = *static_cast<Handle*>(self);
    if (handle.may_be_internal_ || !IsInternalAddress(absl::string_view(address))) return CURL_PREREQFUNC_OK;
    handle.refused_address_ = true;
    return CURL_PREREQFUNC_ABORT;
  }

  static size_t OnBody(char* data, size_t size, size_t count, void* self) {
    Handle& handle = *static_cast<Handle*>(self);
    if (handle.response_.body.size() + size * count > handle.max_response_bytes_) {
      handle.too_large_ = true;
      return 0;  // ends the transfer
    }
    handle.response_.body.append(data, size * count);
    return size * count;
  }

  static size_t OnHeader(char* data, size_t size, size_t count, void* self) {
    Handle& handle = *static_cast<Handle*>(self);
    handle.header_bytes_ += size * count;
    if (handle.header_bytes_ > kMaxHeaderBytes) {
      handle.too_large_ = true;
      return 0;
    }
    handle.KeepHeader(absl::string_view(data, size * count));
    return size * count;
  }

  void KeepHeader(absl::string_view line) {
    const size_t colon = line.find(':');
    if (colon == absl::string_view::npos || line.size() > kMaxKeptHeaderBytes) return;
    const absl::string_view name = line.substr(0, colon);
    const absl::string_view value = absl::StripAsciiWhitespace(line.substr(colon + 1));
    if (absl::EqualsIgnoreCase(name, "location")) response_.location = std::string(value);
    if (absl::EqualsIgnoreCase(name, "date")) response_.date = std::string(value);
  }

  static int OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Handle*>(self)->aborted_ ? 1 : 0;
  }

  CURL* const curl_;
  const std::atomic<bool>& aborted_;
  HttpResponse response_;
  size_t header_bytes_ = 0;
  size_t max_response_bytes_ = 0;
  bool too_large_ = false;
  bool may_be_internal_ = false;
  bool refused_address_ = false;
  char error_[CURL_ERROR_SIZE] = {};
};

CurlHttpClient::CurlHttpClient(std::string ca_file) : ca_file_(std::move(ca_file)) { InitCurlOnce(); }

CurlHttpClient::~CurlHttpClient() {
  absl::MutexLock lock(&mutex_);
  for (Handle* handle : idle_) delete handle;
}

absl::StatusOr<HttpResponse> CurlHttpClient::Send(const HttpRequest& request) {
  Handle* const handle = Acquire();
  absl::StatusOr<HttpResponse> response = handle->Send(request);
  GiveBack(handle);
  return response;
}

CurlHttpClient::Handle* CurlHttpClient::Acquire() {
  {
    absl::MutexLock lock(&mutex_);
    if (!idle_.empty()) {
      Handle* const handle = idle_.back();
      idle_.pop_back();
      return handle;
    }
  }
  return new Handle(ca_file_, aborted_);
}

void CurlHttpClient::GiveBack(Handle* handle) {
  {
    absl::MutexLock lock(&mutex_);
    if (idle_.size() < kMaxIdleHandles) {
      idle_.push_back(handle);
      return;
    }
  }
  delete handle;
}

}  // namespace auth_service
