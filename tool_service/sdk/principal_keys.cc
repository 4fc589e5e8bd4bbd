#include "tool_service/sdk/principal_keys.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/log.h"
#include "common/read_file.h"
#include "httplib.h"
#include "tool_service/sdk/json.h"

namespace tool_service {
namespace {

using common::Severity;

constexpr size_t kMaxKeys = 64;
constexpr size_t kMaxAddresses = 16;
constexpr absl::Duration kConnectTimeout = absl::Seconds(1);
constexpr absl::Duration kAddressTimeout = absl::Seconds(3);
constexpr absl::Duration kFetchTimeout = absl::Seconds(10);
constexpr absl::Duration kMinInterval = absl::Seconds(1);
constexpr int kMaxWaiting = 16;  // each holds a thread of the executor
constexpr char kHttp[] = "http://";

std::string StringMember(const nlohmann::json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : std::string();
}

// What an http URL is made of; nothing if it is none.
struct Url {
  std::string host;  // without brackets
  int port = 80;
  std::string path;
};

std::optional<Url> ParseUrl(absl::string_view text) {
  if (!absl::StartsWith(text, kHttp)) return std::nullopt;
  text.remove_prefix(sizeof(kHttp) - 1);
  Url url;
  const size_t slash = std::min(text.find('/'), text.size());
  url.path = slash == text.size() ? "/" : std::string(text.substr(slash));
  absl::string_view authority = text.substr(0, slash);
  if (authority.find('@') != absl::string_view::npos) return std::nullopt;
  const size_t bracket = authority.find(']');
  const size_t colon = authority.find(':', bracket == absl::string_view::npos ? 0 : bracket);
  if (colon != absl::string_view::npos) {
    if (!absl::SimpleAtoi(authority.substr(colon + 1), &url.port) || url.port < 1 || url.port > 65535) {
      return std::nullopt;
    }
    authority = authority.substr(0, colon);
  }
  if (absl::StartsWith(authority, "[") && absl::EndsWith(authority, "]")) {
    authority = authority.substr(1, authority.size() - 2);
  }
  url.host = std::string(authority);
  const auto is_odd = [](unsigned char c) { return c <= ' ' || c >= 0x7f || c == '"' || c == '\\'; };
  if (url.host.empty() || std::any_of(text.begin(), text.end(), is_odd)) return std::nullopt;
  return url;
}

// Every address of a host, as text.
absl::StatusOr<std::vector<std::string>> Resolve(const std::string& host) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) {
    return absl::UnavailableError(absl::StrCat("the host ", host, " is not known: ", gai_strerror(error)));
  }
  std::vector<std::string> addresses;
  for (const addrinfo* each = found; each != nullptr && addresses.size() < kMaxAddresses; each = each->ai_next) {
    char text[NI_MAXHOST] = "";
    if (getnameinfo(each->ai_addr, each->ai_addrlen, text, sizeof(text), nullptr, 0, NI_NUMERICHOST) != 0) continue;
    if (std::find(addresses.begin(), addresses.end(), text) == addresses.end()) addresses.emplace_back(text);
  }
  freeaddrinfo(found);
  return addresses;
}

absl::StatusOr<KeySet> FetchFrom(const std::string& address, const Url& url) {
  httplib::Client client(address, url.port);
  client.set_connection_timeout(absl::ToChronoMilliseconds(kConnectTimeout));
  client.set_read_timeout(absl::ToChronoMilliseconds(kAddressTimeout));
  client.set_max_timeout(absl::ToChronoMilliseconds(kAddressTimeout));
  const std::string shown = absl::StrContains(url.host, ":") ? absl::StrCat("[", url.host, "]") : url.host;
  std::string body;
  const auto result =
      client.Get(url.path, {{"Host", absl::StrCat(shown, ":", url.port)}}, [&body](const char* data, size_t size) {
        if (body.size() + size > kMaxKeySetBytes) return false;
        body.append(data, size);
        return true;
      });
  if (!result) {
    return absl::UnavailableError(absl::StrCat(address, " did not answer: ", httplib::to_string(result.error())));
  }
  if (result->status != 200) return absl::UnavailableError(absl::StrCat(address, ": HTTP status ", result->status));
  return ParseKeySet(body);
}

// Remembers what each address said last.
class UrlFetcher {
 public:
  explicit UrlFetcher(Url url) : url_(std::move(url)) {}

  absl::StatusOr<KeySet> operator()() {
    const absl::Time give_up_time = absl::Now() + kFetchTimeout;
    absl::StatusOr<std::vector<std::string>> addresses = Resolve(url_.host);
    if (!addresses.ok()) return addresses.status();
    std::map<std::string, KeySet> answers;
    bool any_answered = false;
    absl::Status problem = absl::UnavailableError("it took too long");
    for (const std::string& address : *addresses) {
      absl::StatusOr<KeySet> keys = absl::Now() < give_up_time ? FetchFrom(address, url_) : problem;
      if (keys.ok()) {
        any_answered = true;
        answers[address] = *std::move(keys);
        continue;
      }
      problem = keys.status();
      if (const auto known = answers_.find(address); known != answers_.end()) answers[address] = known->second;
    }
    if (!any_answered) return problem;
    answers_ = std::move(answers);
    KeySet all;
    for (const auto& [address, keys] : answers_) all.insert(keys.begin(), keys.end());
    return all;
  }

 private:
  const Url url_;
  std::map<std::string, KeySet> answers_;
};

}  // namespace

absl::StatusOr<KeySet> ParseKeySet(absl::string_view json) {
  if (json.size() > kMaxKeySetBytes) {
    return absl::InvalidArgumentError(absl::StrCat("a JWK Set may have at most ", kMaxKeySetBytes, " bytes"));
  }
  const absl::StatusOr<nlohmann::json> document = ParseJsonObject("the JWK Set", json);
  if (!document.ok()) return document.status();
  const auto jwks = document->find("keys");
  if (jwks == document->end() || !jwks->is_array()) return absl::InvalidArgumentError("the JWK Set has no keys");
  KeySet keys;
  for (const nlohmann::json& jwk : *jwks) {
    if (keys.size() == kMaxKeys) break;
    if (!jwk.is_object() || StringMember(jwk, "kty") != "EC" || StringMember(jwk, "crv") != "P-256") continue;
    if (jwk.contains("alg") && StringMember(jwk, "alg") != "ES256") continue;
    if (jwk.contains("use") && StringMember(jwk, "use") != "sig") continue;
    const std::string key_id = StringMember(jwk, "kid");
    const auto key = common::Es256PublicKey::FromCoordinates(StringMember(jwk, "x"), StringMember(jwk, "y"));
    if (!key_id.empty() && key.has_value()) keys.emplace(key_id, *key);
  }
  if (keys.empty()) return absl::InvalidArgumentError("the JWK Set has no P-256 key with a kid");
  return keys;
}

absl::Status CheckKeyLocation(const std::string& location) {
  if (location.empty()) return absl::InvalidArgumentError("must be an http URL or the path of a file, and is empty");
  if (!absl::StrContains(location, "://") || ParseUrl(location).has_value()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("must be an http URL or the path of a file (of a JWK Set), got \"", location, "\""));
}

KeyFetcher MakeKeyFetcher(const std::string& location) {
  if (std::optional<Url> url = ParseUrl(location); url.has_value()) {
    return [fetcher = std::make_shared<UrlFetcher>(*std::move(url))] { return (*fetcher)(); };
  }
  return [location]() -> absl::StatusOr<KeySet> {
    const absl::StatusOr<std::string> text = common::ReadFile("the file of principal keys", location, kMaxKeySetBytes);
    return text.ok() ? ParseKeySet(*text) : text.status();
  };
}

absl::Duration RefreshIntervalFor(const std::string& location) {
  return absl::StrContains(location, "://") ? absl::Minutes(5) : absl::Seconds(5);
}

void PrincipalKeys::Start(std::function<void()> on_first_keys) {
  on_first_keys_ = std::move(on_first_keys);
  worker_ = std::thread([this] { Work(); });
}

void PrincipalKeys::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (worker_.joinable()) worker_.join();
}

std::shared_ptr<const KeySet> PrincipalKeys::current() const {
  absl::MutexLock lock(&mutex_);
  return current_;
}

absl::Status PrincipalKeys::AwaitFetch(absl::Time deadline) {
  absl::MutexLock lock(&mutex_);
  if (waiting_ >= kMaxWaiting) return absl::UnavailableError("too many calls wait for the keys of the edge");
  const int64_t mine = begun_ + 1;
  wanted_ = std::max(wanted_, mine);
  ++waiting_;
  const auto done = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return ended_ >= mine || stopping_; };
  const bool in_time = mutex_.AwaitWithDeadline(absl::Condition(&done), deadline);
  --waiting_;
  if (!in_time || ended_ < mine) return absl::UnavailableError("the keys of the edge took too long to come");
  return last_status_;
}

absl::Status PrincipalKeys::Ready() const {
  absl::MutexLock lock(&mutex_);
  if (current_ != nullptr) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("the keys of the edge have not been had from ", location_, ": ",
                                             last_status_.message(), "; see --principal_keys"));
}

void PrincipalKeys::Work() {
  std::string last_problem;  // so that one problem is one line
  absl::Time next_time = absl::InfinitePast();
  absl::Time least_time = absl::InfinitePast();
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      const auto wanted_or_end = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_ || wanted_ > ended_; };
      mutex_.AwaitWithDeadline(absl::Condition(&wanted_or_end), next_time);
      mutex_.AwaitWithDeadline(absl::Condition(&stopping_), least_time);
      if (stopping_) return;
      ++begun_;
    }
    least_time = absl::Now() + kMinInterval;
    absl::StatusOr<KeySet> keys = fetch_();
    next_time = absl::Now() + (keys.ok() ? refresh_interval_ : kMinInterval);
    const std::string problem(keys.status().message());
    if (!keys.ok() && problem != last_problem) {
      common::Log(Severity::kWarning, "principal_keys_unavailable", {{"location", location_}, {"message", problem}});
    }
    last_problem = problem;

    bool is_first = false;
    size_t count = 0;
    bool is_other = false;
    {
      absl::MutexLock lock(&mutex_);
      last_status_ = keys.ok() ? absl::OkStatus() : absl::UnavailableError(problem);
      ++ended_;
      if (keys.ok()) {
        count = keys->size();
        is_first = current_ == nullptr;
        is_other = is_first || current_->size() != count ||
                   std::any_of(keys->begin(), keys->end(), [this](const auto& each) ABSL_NO_THREAD_SAFETY_ANALYSIS {
                     return !current_->contains(each.first);
                   });
        current_ = std::make_shared<const KeySet>(*std::move(keys));
      }
    }
    if (is_other) {
      common::Log(Severity::kInfo, "principal_keys_loaded", {{"location", location_}, {"keys", count}});
    }
    if (is_first && on_first_keys_ != nullptr) on_first_keys_();
  }
}

}  // namespace tool_service
