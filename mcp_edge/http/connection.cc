#include "mcp_edge/http/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"

namespace mcp_edge {
namespace {

constexpr size_t kReadBytes = 16 * 1024;
// An answer to a request that was not read to its end is followed by at most this much of listening.
constexpr size_t kMaxDrainedBytes = 4 << 20;
constexpr absl::Duration kMaxDrainTime = absl::Seconds(2);
constexpr int kMaxWriteFactor = 6;
// Line ends before a request.
constexpr size_t kMaxBlankBytes = 64;

bool IsDigits(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Whether `line` is the header `name` (which ends in a colon); then leaves its value.
bool ConsumeName(absl::string_view name, absl::string_view& line) {
  if (!absl::StartsWithIgnoreCase(line, name)) return false;
  line.remove_prefix(name.size());
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
  return true;
}

int PollMilliseconds(absl::Time deadline) {
  const absl::Duration left = deadline - absl::Now();
  if (left <= absl::ZeroDuration()) return 0;
  return static_cast<int>(absl::ToInt64Milliseconds(std::min(left, absl::Hours(1))) + 1);
}

// Whether `socket` has one of `events` before `deadline`.
bool PollOne(int socket, short events, absl::Time deadline) {
  while (true) {
    pollfd entry = {socket, events, 0};
    const int ready = poll(&entry, 1, PollMilliseconds(deadline));
    if (ready > 0) return true;
    if (ready == 0 && absl::Now() >= deadline) return false;
    if (ready < 0 && errno != EINTR) return false;
  }
}

}  // namespace

Connection::Connection(int socket, const ConnectionLimits& limits, int wake_socket)
    : socket_(socket), limits_(limits), wake_socket_(wake_socket) {}

Connection::Head Connection::ReadHead() {
  buffer_.erase(0, taken_);
  taken_ = 0;
  // Only a connection that has been of use may be idle.
  absl::Time deadline = absl::Now() + (served_before_ ? limits_.idle_timeout : limits_.head_timeout);
  bool begun = !buffer_.empty();
  if (begun) deadline = absl::Now() + limits_.head_timeout;
  size_t searched = 0;
  while (true) {
    // A blank line before the request line is to be ignored (RFC 9112, section 2.2).
    const size_t blank = std::min(buffer_.find_first_not_of("\r\n"), buffer_.size());
    if (blank > kMaxBlankBytes) return Head::kMalformed;
    buffer_.erase(0, blank);
    const size_t end = buffer_.find(kHeadEnd.data(), searched, kHeadEnd.size());
    if (end != std::string::npos) {
      if (end > limits_.max_head_bytes) return Head::kTooLarge;
      body_deadline_ = absl::Now() + limits_.body_timeout;
      head_size_ = end;
      request_end_ = end + kHeadEnd.size();
      served_before_ = true;
      return CheckHead(head());
    }
    if (buffer_.size() > limits_.max_head_bytes) return Head::kTooLarge;
    searched = buffer_.size() < 3 ? 0 : buffer_.size() - 3;
    const ssize_t received = Fill(deadline, /*until_stopped=*/!begun);
    if (received < 0 && begun && absl::Now() >= deadline) return Head::kTooSlow;
    if (received <= 0) return Head::kClosed;
    if (!begun) {
      begun = true;
      deadline = absl::Now() + limits_.head_timeout;
    }
  }
}

Connection::Head Connection::CheckHead(absl::string_view head) {
  size_t lines = 0;
  size_t lengths = 0;
  size_t codings = 0;
  while (!head.empty()) {
    const size_t end = std::min(head.find("\r\n"), head.size());
    const absl::string_view line = head.substr(0, end);
    if (line.size() > limits_.max_line_bytes) return Head::kTooLarge;
    if (++lines > limits_.max_headers + 1) return Head::kTooLarge;
    if (lines > 1 && (line.front() == ' ' || line.front() == '\t')) return Head::kMalformed;
    // Whoever stands before the edge must see the same end of the body: only the plain forms are taken (RFC 9112,
    // sections 6.1 to 6.3).
    absl::string_view value = line;
    if (ConsumeName("content-length:", value)) {
      if (++lengths > 1 || value.empty() || value.size() > 18 || !IsDigits(value)) return Head::kMalformed;
    } else if (ConsumeName("transfer-encoding:", value)) {
      if (++codings > 1 || !absl::EqualsIgnoreCase(value, "chunked")) return Head::kMalformed;
    }
    for (const char c : line) {
      if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F) return Head::kMalformed;
    }
    head.remove_prefix(std::min(end + 2, head.size()));
  }
  if (lengths + codings > 1) return Head::kMalformed;
  if (lengths + codings == 1) request_end_ = std::string::npos;
  return Head::kComplete;
}

void Connection::PassHead() {
  const size_t first_line = std::min(buffer_.find("\r\n"), head_size_);
  const absl::string_view headers = head().substr(first_line);
  if (!absl::StrContains(headers, '%')) return;
  const std::string encoded = absl::StrReplaceAll(headers, {{"%", "%25"}});
  const size_t growth = encoded.size() - headers.size();
  buffer_.replace(first_line, headers.size(), encoded);
  head_size_ += growth;
  if (request_end_ != std::string::npos) request_end_ += growth;
}

ssize_t Connection::Fill(absl::Time deadline, bool until_stopped) {
  while (true) {
    pollfd entries[2] = {{socket_, POLLIN, 0}, {wake_socket_, POLLIN, 0}};
    const int ready = poll(entries, until_stopped ? 2 : 1, PollMilliseconds(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return -1;
    if (ready == 0) {
      if (absl::Now() >= deadline) return -1;
      continue;
    }
    if (entries[0].revents == 0) return -1;  // the server stops
    char bytes[kReadBytes];
    const ssize_t received = recv(socket_, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (received < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (received > 0) buffer_.append(bytes, static_cast<size_t>(received));
    return received;
  }
}

void Connection::ReleaseBuffer() {
  buffer_.erase(0, taken_);
  if (request_end_ != std::string::npos) request_end_ -= taken_;
  taken_ = 0;
  buffer_.shrink_to_fit();
}

void Connection::CloseGently() {
  if (shutdown(socket_, SHUT_WR) != 0) return;
  const absl::Time deadline = absl::Now() + kMaxDrainTime;
  size_t drained = 0;
  char waste[kReadBytes];
  while (drained < kMaxDrainedBytes && PollOne(socket_, POLLIN, deadline)) {
    const ssize_t received = recv(socket_, waste, sizeof(waste), MSG_DONTWAIT);
    if (received <= 0) return;
    drained += static_cast<size_t>(received);
  }
}

bool Connection::is_readable() const { return !reading_stopped_ && taken_ < std::min(buffer_.size(), request_end_); }

bool Connection::wait_readable() const {
  return is_readable() || (!reading_stopped_ && PollOne(socket_, POLLIN, body_deadline_));
}

bool Connection::wait_writable() const { return PollOne(socket_, POLLOUT, absl::Now() + limits_.write_timeout); }

bool Connection::is_peer_alive() const {
  pollfd entry = {socket_, POLLRDHUP, 0};
  return poll(&entry, 1, 0) == 0;
}

absl::string_view Connection::ReadBody(size_t most) {
  if (reading_stopped_) return "";
  if (taken_ == buffer_.size()) {
    buffer_.clear();
    taken_ = 0;
    if (Fill(body_deadline_, /*until_stopped=*/false) <= 0) return "";
  }
  const absl::string_view part = absl::string_view(buffer_).substr(taken_, most);
  taken_ += part.size();
  return part;
}

ssize_t Connection::read(char* ptr, size_t size) {
  if (reading_stopped_) return -1;
  if (taken_ == request_end_) return 0;  // what follows is another request
  if (taken_ == buffer_.size()) {
    buffer_.clear();
    taken_ = 0;
    const ssize_t received = Fill(body_deadline_, /*until_stopped=*/false);
    if (received <= 0) return received;
  }
  const size_t count = std::min(size, std::min(buffer_.size(), request_end_) - taken_);
  std::memcpy(ptr, buffer_.data() + taken_, count);
  taken_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t Connection::write(const char* ptr, size_t size) {
  const absl::Time start = absl::Now();
  const absl::Time last_deadline = start + kMaxWriteFactor * limits_.write_timeout;
  absl::Time deadline = start + limits_.write_timeout;
  size_t written = 0;
  size_t written_before = 0;
  while (written < size) {
    const ssize_t sent = send(socket_, ptr + written, size - written, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      written += static_cast<size_t>(sent);
    } else if (errno == EAGAIN) {
      if (written > written_before) deadline = std::min(absl::Now() + limits_.write_timeout, last_deadline);
      written_before = written;
      if (!PollOne(socket_, POLLOUT, deadline)) return -1;
    } else if (errno != EINTR) {
      return -1;
    }
  }
  return static_cast<ssize_t>(written);
}

void Connection::get_remote_ip_and_port(std::string& ip, int& port) const {
  httplib::detail::get_remote_ip_and_port(socket_, ip, port);
}

void Connection::get_local_ip_and_port(std::string& ip, int& port) const {
  httplib::detail::get_local_ip_and_port(socket_, ip, port);
}

}  // namespace mcp_edge
