#include "mcp_edge/auth/principal.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/proto_time.h"

namespace mcp_edge {

bool Principal::HasScope(absl::string_view scope, const ScopeHierarchy& hierarchy) const {
  return scopes_known && hierarchy.IsGranted(scopes, scope);
}

bool Principal::HasAnySet(const std::vector<ScopeSet>& sets, const ScopeHierarchy& hierarchy) const {
  return sets.empty() || std::any_of(sets.begin(), sets.end(), [&](const ScopeSet& set) {
           return std::all_of(set.begin(), set.end(),
                              [&](const std::string& scope) { return HasScope(scope, hierarchy); });
         });
}

Principal PrincipalFromVerdict(const gatehouse::auth::v1::Principal& verdict) {
  Principal principal;
  principal.issuer = verdict.issuer();
  principal.subject = verdict.subject();
  principal.client_id = verdict.client_id();
  principal.scopes.assign(verdict.scopes().begin(), verdict.scopes().end());
  principal.scopes_known = verdict.scopes_known();
  principal.claims_json = verdict.claims_json();
  if (verdict.has_expire_time()) {
    principal.expire_time = common::FromProto(verdict.expire_time());
  }
  // With their lengths, so that no separator in one can make it look like another.
  principal.key = absl::StrCat(principal.issuer.size(), ":", principal.issuer, principal.subject.size(), ":",
                               principal.subject, principal.client_id);

  gatehouse::tool::v1::Principal& for_tools = principal.for_tools;
  for_tools.set_issuer(verdict.issuer());
  for_tools.set_subject(verdict.subject());
  for_tools.set_client_id(verdict.client_id());
  *for_tools.mutable_scopes() = verdict.scopes();
  for_tools.set_scopes_known(verdict.scopes_known());
  for_tools.set_claims_json(verdict.claims_json());
  if (verdict.has_expire_time()) *for_tools.mutable_expire_time() = verdict.expire_time();
  for_tools.set_audience_known(verdict.audience_known());
  for (const gatehouse::auth::v1::ClaimOrigin& origin : verdict.claim_origins()) {
    gatehouse::tool::v1::ClaimOrigin& copy = *for_tools.add_claim_origins();
    copy.set_source(static_cast<gatehouse::tool::v1::ClaimSource>(origin.source()));  // the same numbers in both
    *copy.mutable_claims() = origin.claims();
  }
  return principal;
}

}  // namespace mcp_edge
