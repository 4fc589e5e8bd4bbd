#include "auth_service/metrics.h"

#include "gtest/gtest.h"
#include "prometheus/text_serializer.h"

namespace auth_service {
namespace {

using gatehouse::auth::v1::RefusalReason;

TEST(MetricsTest, EveryRefusalReasonHasACounterFromTheStart) {
  prometheus::Registry registry;
  Metrics metrics(registry);
  for (int i = gatehouse::auth::v1::RefusalReason_MIN + 1; i <= gatehouse::auth::v1::RefusalReason_MAX; ++i) {
    metrics.refused(static_cast<RefusalReason>(i)).Increment(i);
  }
  const std::string text = prometheus::TextSerializer().Serialize(registry.Collect());
  for (int i = gatehouse::auth::v1::RefusalReason_MIN + 1; i <= gatehouse::auth::v1::RefusalReason_MAX; ++i) {
    const std::string line = "gatehouse_auth_verdicts_total{outcome=\"refused\",reason=\"" +
                             std::string(RefusalReasonName(static_cast<RefusalReason>(i))) + "\"} " +
                             std::to_string(i) + "\n";
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

TEST(MetricsTest, AReasonIsNamedAsInTheContract) {
  EXPECT_EQ(RefusalReasonName(gatehouse::auth::v1::REFUSAL_REASON_EXPIRED), "expired");
  EXPECT_EQ(RefusalReasonName(gatehouse::auth::v1::REFUSAL_REASON_INSUFFICIENT_SCOPE_AT_PROVIDER),
            "insufficient_scope_at_provider");
}

}  // namespace
}  // namespace auth_service
