#include "auth_service/server/protected_resource_metadata.h"

#include "nlohmann/json.hpp"

namespace auth_service {

std::string ProtectedResourceMetadata(absl::string_view resource, const std::vector<std::string>& issuers,
                                      const std::vector<std::string>& scopes_supported) {
  nlohmann::ordered_json document = {
      {"resource", std::string(resource)},
      {"authorization_servers", issuers},
  };
  if (!scopes_supported.empty()) document["scopes_supported"] = scopes_supported;
  document["bearer_methods_supported"] = nlohmann::ordered_json::array({"header"});
  document["resource_name"] = "Gatehouse";
  return document.dump();
}

}  // namespace auth_service
