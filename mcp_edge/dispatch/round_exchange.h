// Carries out an operation for a client that waits for its response: drives the rounds, and turns what they say into
// steps.
//
// A question of the tool service ends the request of a modern client, whose next request brings the answers (MCP
// 2026-07-28, multi round-trip requests). A client with a handshake is asked on its stream, and the next round begins
// with what it answers.

#ifndef GATEHOUSE_MCP_EDGE_DISPATCH_ROUND_EXCHANGE_H_
#define GATEHOUSE_MCP_EDGE_DISPATCH_ROUND_EXCHANGE_H_

#include <atomic>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/inlined_vector.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "mcp_edge/dispatch/exchange.h"
#include "mcp_edge/dispatch/operation.h"
#include "mcp_edge/dispatch/service_operation.h"
#include "mcp_edge/sealing/sealer.h"
#include "mcp_edge/session/client_requests.h"
#include "mcp_edge/tasks/tasks.h"

namespace mcp_edge {

// When a tool call becomes a task.
enum class TaskStart {
  kNever,
  kAtOnce,     // before the call is made, but for a call with answers or a state, which is made first
  kAnnounced,  // when the call says so
};

// What a request said besides what it asks for.
struct ExchangeTerms {
  std::string id_json;
  // JSON; empty: no progress is wanted.
  std::string progress_token = {};
  // In a modern request: the least severe log message that is wanted.
  gatehouse::tool::v1::LogLevel log_level = gatehouse::tool::v1::LOG_LEVEL_UNSPECIFIED;
  // For the first round.
  InputResponses responses = {};
  std::string state = {};
  TaskStart task_start = TaskStart::kNever;
  // With kAnnounced: how long a round may take until it is a task, which then has its own limit.
  absl::Duration call_timeout = absl::InfiniteDuration();
  // How long a client with a handshake may take to answer.
  absl::Duration answer_timeout = absl::Minutes(5);
};

class RoundExchange final : public Exchange {
 public:
  // A tool service may ask so often while one client waits.
  static constexpr int kMaxRounds = 32;

  // Nothing runs before the first Next() or Wait(). `tasks`: not null unless `terms.task_start` is kNever. What
  // `context` points to, and the collaborators, must outlive the exchange.
  RoundExchange(std::unique_ptr<ServiceOperation> operation, ExchangeTerms terms, const RequestContext& context,
                const Sealer& sealer, Tasks* tasks, const common::Clock& clock);
  ~RoundExchange() override;

  Step Next() override;
  bool Wait(absl::Time until) override;
  void Cancel() override;

 private:
  // A question to a client with a handshake.
  struct Question {
    std::string key;
    std::string method;
    std::string params_json;
    std::string id_json = {};  // once it was asked, until it is answered or nobody waits any more
    std::optional<ClientAnswer> answer = {};
  };

  enum class Phase { kBegin, kRunning, kAsking, kEnded };

  // Does the next thing. False: there was nothing to do until `until`.
  bool Advance(absl::Time until);
  bool AdvanceRound(absl::Time until);
  bool AdvanceQuestions(absl::Time until);

  void BeginRound();
  // Forgets the round, and cancels it if it still runs.
  std::unique_ptr<Round> TakeRound();
  void Handle(RoundEvent event);
  void Tell(const gatehouse::tool::v1::Progress& progress);
  void Tell(const gatehouse::tool::v1::LogMessage& message);
  void HandOver(std::unique_ptr<Round> round);
  void Ask(const gatehouse::tool::v1::InputRequired& asked);
  void AskModern(const gatehouse::tool::v1::InputRequired& asked);
  void AskOnStream(const gatehouse::tool::v1::InputRequired& asked);
  void SendQuestion(size_t index);
  void UseAnswers();
  // Waits no more for what is not answered yet, and tells the client so.
  void DropQuestions(absl::string_view reason);

  void Say(std::string message);
  void End(Step step);
  void End(const RpcError& error);
  void EndCancelled();

  bool modern() const { return FeaturesOf(context_.version).modern; }
  bool HasStream() const { return !modern() && context_.session != nullptr && context_.can_stream; }

  std::unique_ptr<ServiceOperation> operation_;
  ExchangeTerms terms_;
  const RequestContext context_;
  const Sealer& sealer_;
  Tasks* const tasks_;
  const common::Clock& clock_;

  // Of the thread that calls Next() and Wait().
  Phase phase_ = Phase::kBegin;
  absl::InlinedVector<Step, 1> ready_;
  int rounds_ = 0;
  absl::Time begin_time_ = absl::InfinitePast();  // of the next round
  absl::Time round_deadline_ = absl::InfiniteFuture();
  absl::Time answer_deadline_ = absl::InfiniteFuture();
  double last_progress_ = -std::numeric_limits<double>::infinity();
  bool logged_broken_message_ = false;
  size_t asked_ = 0;  // questions that were sent

  absl::Mutex mutex_;
  std::unique_ptr<Round> round_;  // set and reset with the mutex held, by the thread of Next(), which reads it without
  std::vector<Question> questions_;  // likewise; but for `answer`, which comes from another thread with the mutex held
  size_t answered_ ABSL_GUARDED_BY(mutex_) = 0;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace mcp_edge

#endif  // GATEHOUSE_MCP_EDGE_DISPATCH_ROUND_EXCHANGE_H_
