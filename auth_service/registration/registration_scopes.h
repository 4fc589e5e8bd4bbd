// The scopes that clients which register themselves may ask their users for, as operators set them.

#ifndef GATEHOUSE_AUTH_SERVICE_REGISTRATION_REGISTRATION_SCOPES_H_
#define GATEHOUSE_AUTH_SERVICE_REGISTRATION_REGISTRATION_SCOPES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace auth_service {

// A scope of an API resource, which Logto wants by its id. Without a name it goes with every client; with one, with
// those that ask for that scope or for none in particular.
struct ResourceScope {
  std::string name;
  std::string id;
};

// Reads the entries of a setting, each "ID" or "NAME=ID".
//
// Errors: kInvalidArgument, an entry is of another form.
absl::StatusOr<std::vector<ResourceScope>> ParseResourceScopes(const std::vector<std::string>& entries);

// Errors: kInvalidArgument, one of `scopes` is not one about the user that Logto lets an application ask for.
absl::Status CheckUserScopes(const std::vector<std::string>& scopes);

}  // namespace auth_service

#endif  // GATEHOUSE_AUTH_SERVICE_REGISTRATION_REGISTRATION_SCOPES_H_
