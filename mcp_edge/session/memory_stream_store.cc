#include "mcp_edge/session/memory_stream_store.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace mcp_edge {
namespace {

// A reader that has more than this to read makes AppendWhenRead wait.
constexpr uint64_t kMaxUnread = 64;
constexpr size_t kMaxUnreadBytes = 4 << 20;
// What a message costs beside its text.
constexpr size_t kEventBytes = 64;

}  // namespace

class MemoryStreamStore::Stream final : public EventStream {
 public:
  // Null `store`: it is in none; then `clock` and `session_bytes` may be null too.
  Stream(MemoryStreamStore* store, const common::Clock* clock, const MemoryStreamLimits& limits, std::string session_id,
         std::shared_ptr<std::atomic<size_t>> session_bytes, uint64_t number)
      : store_(store),
        clock_(clock),
        limits_(limits),
        session_id_(std::move(session_id)),
        session_bytes_(std::move(session_bytes)),
        number_(number) {}
  ~Stream() override { Clear(); }

  uint64_t number() const override { return number_; }
  const std::string& session_id() const { return session_id_; }

  bool Append(std::string message, bool coalesce) override {
    MakeRoomInSession(message.size() + kEventBytes);
    absl::MutexLock lock(&mutex_);
    if (coalesce && HasUnread(message)) return true;
    return Add(std::move(message));
  }

  void AppendWhenRead(std::string message) override {
    MakeRoomInSession(message.size() + kEventBytes);
    absl::MutexLock lock(&mutex_);
    const auto has_room = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return reader_id_ == 0 || ended_ || last_number_ == read_number_ ||
             (last_number_ - read_number_ < kMaxUnread && unread_bytes_ < kMaxUnreadBytes);
    };
    mutex_.Await(absl::Condition(&has_room));
    Add(std::move(message));
  }

  void End() override {
    {
      absl::MutexLock lock(&mutex_);
      if (ended_) return;
      ended_ = true;
    }
    if (store_ != nullptr) store_->NoteEnded(*this);
  }

  void DismissReader(absl::Duration retry) override {
    absl::MutexLock lock(&mutex_);
    if (reader_id_ == 0) return;
    dismiss_after_ = last_number_;
    dismiss_retry_ = retry;
  }

  std::optional<Reader> Attach(std::optional<uint64_t> after) override {
    absl::MutexLock lock(&mutex_);
    if (after.has_value()) {
      DropExpired();
      if (limits_.retention <= absl::ZeroDuration() || *after > last_number_ || *after + 1 < FirstNumber()) {
        return std::nullopt;
      }
      read_number_ = *after;
      unread_bytes_ = 0;
      for (size_t i = read_number_ + 1 - FirstNumber(); i < events_.size(); ++i) unread_bytes_ += SizeOf(events_[i]);
    }
    reader_id_ = ++last_reader_id_;
    dismiss_retry_.reset();
    return Reader{reader_id_, read_number_};
  }

  void Detach(uint64_t reader_id) override {
    absl::MutexLock lock(&mutex_);
    if (reader_id == reader_id_) reader_id_ = 0;
  }

  ReadResult Read(uint64_t reader_id, absl::Time deadline) override {
    absl::MutexLock lock(&mutex_);
    const auto wakes = [this, reader_id]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return reader_id != reader_id_ || read_number_ < last_number_ || ended_ || dismiss_retry_.has_value();
    };
    mutex_.AwaitWithDeadline(absl::Condition(&wakes), deadline);
    ReadResult result;
    if (reader_id != reader_id_) {
      result.outcome = Outcome::kReplaced;
    } else if (dismiss_retry_.has_value() && read_number_ >= dismiss_after_) {
      result.outcome = Outcome::kDismissed;
      result.retry = *dismiss_retry_;
      dismiss_retry_.reset();
      reader_id_ = 0;
    } else if (read_number_ < last_number_) {
      result.outcome = Outcome::kEvent;
      const Event& event = events_[read_number_ + 1 - FirstNumber()];
      unread_bytes_ -= SizeOf(event);
      result.event = {++read_number_, event.message};
      if (limits_.retention <= absl::ZeroDuration()) {
        DropFirst();
      } else {
        DropExpired();
      }
    } else if (ended_) {
      result.outcome = Outcome::kEnded;
    }
    return result;
  }

  // Drops what was read long ago.
  void Sweep() {
    absl::MutexLock lock(&mutex_);
    DropExpired();
  }

  // Drops what it holds.
  void Clear() {
    absl::MutexLock lock(&mutex_);
    while (!events_.empty()) DropFirst();
  }

 private:
  struct Event {
    std::shared_ptr<const std::string> message;
    absl::Time time;
  };

  // Whether the bounds of all streams and of the session's leave room for `size` bytes.
  bool HasShare(size_t size) const {
    return store_ == nullptr || (store_->total_bytes() + size <= limits_.max_total_bytes && HasSessionShare(size));
  }
  bool HasSessionShare(size_t size) const {
    return session_bytes_->load(std::memory_order_relaxed) + size <= limits_.max_session_bytes;
  }

  // What the session has kept before goes first. Not with the lock held, which is taken after that of the store.
  void MakeRoomInSession(size_t size) {
    if (store_ != nullptr && !HasSessionShare(size)) store_->MakeRoom(session_id_, size);
  }

  static size_t SizeOf(const Event& event) { return event.message->size() + kEventBytes; }

  // The number of the oldest event that is there; behind the last if there is none.
  uint64_t FirstNumber() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return last_number_ + 1 - events_.size(); }

  bool HasUnread(absl::string_view message) const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return std::any_of(events_.end() - static_cast<ptrdiff_t>(last_number_ - read_number_), events_.end(),
                       [&](const Event& event) { return *event.message == message; });
  }

  bool Add(std::string message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (ended_) return true;
    const absl::Time now = clock_ == nullptr ? absl::InfiniteFuture() : clock_->Now();
    DropExpired(now);
    const size_t size = message.size() + kEventBytes;
    bool room = true;
    while (!events_.empty() && (events_.size() >= limits_.max_events || bytes_ + size > limits_.max_bytes)) {
      room = DropFirst() && room;
    }
    // Over the bound of all streams, or of the session's, nothing is kept that nobody is about to read.
    while (!events_.empty() && !HasShare(size) && (FirstNumber() <= read_number_ || reader_id_ == 0)) {
      room = DropFirst() && room;
    }
    if (events_.empty() && reader_id_ == 0 && !HasShare(size)) {
      read_number_ = ++last_number_;
      return false;
    }
    events_.push_back({std::make_shared<const std::string>(std::move(message)), now});
    ++last_number_;
    bytes_ += size;
    unread_bytes_ += size;
    if (store_ != nullptr) {
      store_->total_bytes_.fetch_add(size, std::memory_order_relaxed);
      session_bytes_->fetch_add(size, std::memory_order_relaxed);
    }
    return room;
  }

  // Drops the oldest event. False: it was not read yet.
  bool DropFirst() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const uint64_t number = FirstNumber();
    const size_t size = SizeOf(events_.front());
    events_.pop_front();
    bytes_ -= size;
    if (store_ != nullptr) {
      store_->total_bytes_.fetch_sub(size, std::memory_order_relaxed);
      session_bytes_->fetch_sub(size, std::memory_order_relaxed);
    }
    if (number <= read_number_) return true;
    read_number_ = number;
    unread_bytes_ -= size;
    return false;
  }

  // Drops what was read long ago.
  void DropExpired() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (clock_ != nullptr) DropExpired(clock_->Now());
  }
  void DropExpired(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    while (!events_.empty() && FirstNumber() <= read_number_ && events_.front().time + limits_.retention <= now) {
      DropFirst();
    }
  }

  MemoryStreamStore* const store_;
  const common::Clock* const clock_;
  const MemoryStreamLimits limits_;
  const std::string session_id_;
  const std::shared_ptr<std::atomic<size_t>> session_bytes_;  // of all streams of the session
  const uint64_t number_;
  absl::Mutex mutex_;
  std::deque<Event> events_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;         // of events_
  size_t unread_bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // of those behind read_number_
  uint64_t last_number_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t read_number_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t reader_id_ ABSL_GUARDED_BY(mutex_) = 0;  // 0: there is none
  uint64_t last_reader_id_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t dismiss_after_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<absl::Duration> dismiss_retry_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

std::shared_ptr<EventStream> MemoryStreamStore::NewLoneStream(size_t max_events, size_t max_bytes) {
  MemoryStreamLimits limits;
  limits.max_events = max_events;
  limits.max_bytes = max_bytes;
  limits.retention = absl::ZeroDuration();
  return std::make_shared<Stream>(nullptr, nullptr, limits, "", nullptr, 0);
}

std::shared_ptr<MemoryStreamStore::Stream> MemoryStreamStore::Create(absl::string_view session_id, uint64_t number,
                                                                     SessionStreams& session) {
  auto stream = std::make_shared<Stream>(this, &clock_, limits_, std::string(session_id), session.bytes, number);
  session.streams.emplace(number, stream);
  return stream;
}

std::shared_ptr<EventStream> MemoryStreamStore::Main(absl::string_view session_id) {
  absl::MutexLock lock(&mutex_);
  SessionStreams& session = sessions_[std::string(session_id)];
  const auto found = session.streams.find(0);
  return found != session.streams.end() ? found->second : Create(session_id, 0, session);
}

std::shared_ptr<EventStream> MemoryStreamStore::Open(absl::string_view session_id) {
  absl::MutexLock lock(&mutex_);
  DropOld();
  const auto session = sessions_.find(session_id);
  if (session == sessions_.end()) return NewLoneStream(limits_.max_events, limits_.max_bytes);
  return Create(session_id, ++session->second.last_number, session->second);
}

std::shared_ptr<EventStream> MemoryStreamStore::Find(absl::string_view session_id, uint64_t number) {
  absl::MutexLock lock(&mutex_);
  DropOld();
  const auto session = sessions_.find(session_id);
  if (session == sessions_.end()) return nullptr;
  const auto found = session->second.streams.find(number);
  return found == session->second.streams.end() ? nullptr : found->second;
}

void MemoryStreamStore::Forget(absl::string_view session_id) {
  SessionStreams forgotten;  // goes after the lock was released
  absl::MutexLock lock(&mutex_);
  const auto found = sessions_.find(session_id);
  if (found == sessions_.end()) return;
  forgotten = std::move(found->second);
  sessions_.erase(found);
}

void MemoryStreamStore::NoteEnded(const Stream& stream) {
  // The stream of a session ends with it.
  if (stream.number() == 0) return;
  absl::MutexLock lock(&mutex_);
  const auto session = sessions_.find(stream.session_id());
  if (session == sessions_.end()) return;
  session->second.ended.push_back(stream.number());
  ended_.push_back({stream.session_id(), stream.number(), clock_.Now()});
  while (session->second.ended.size() > limits_.max_ended_per_session) {
    DropEnded(stream.session_id(), session->second.ended.front());
  }
  MakeRoomLocked(session->second, 0);
  DropOld();
}

void MemoryStreamStore::Sweep() {
  std::vector<std::shared_ptr<Stream>> streams;
  {
    absl::MutexLock lock(&mutex_);
    DropOld();
    for (const auto& [id, session] : sessions_) {
      for (const auto& [number, stream] : session.streams) streams.push_back(stream);
    }
  }
  for (const std::shared_ptr<Stream>& stream : streams) stream->Sweep();
}

void MemoryStreamStore::MakeRoom(absl::string_view session_id, size_t size) {
  absl::MutexLock lock(&mutex_);
  const auto session = sessions_.find(session_id);
  if (session != sessions_.end()) MakeRoomLocked(session->second, size);
}

void MemoryStreamStore::MakeRoomLocked(SessionStreams& session, size_t size) {
  while (!session.ended.empty() && session.bytes->load(std::memory_order_relaxed) + size > limits_.max_session_bytes) {
    session.streams.erase(session.ended.front());
    session.ended.pop_front();
  }
}

void MemoryStreamStore::DropEnded(absl::string_view session_id, uint64_t number) {
  const auto session = sessions_.find(session_id);
  if (session == sessions_.end()) return;
  std::deque<uint64_t>& ended = session->second.ended;
  ended.erase(std::remove(ended.begin(), ended.end(), number), ended.end());
  session->second.streams.erase(number);
}

void MemoryStreamStore::DropOld() {
  const absl::Time oldest = clock_.Now() - limits_.retention;
  while (!ended_.empty() && (ended_.front().time <= oldest || ended_.size() > limits_.max_ended ||
                             total_bytes() > limits_.max_total_bytes)) {
    DropEnded(ended_.front().session_id, ended_.front().number);
    ended_.pop_front();
  }
}

}  // namespace mcp_edge
