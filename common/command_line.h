// The command line of a service, read so that a mistake is one line and not a page.

#ifndef GATEHOUSE_COMMON_COMMAND_LINE_H_
#define GATEHOUSE_COMMON_COMMAND_LINE_H_

#include "absl/status/status.h"

namespace common {

// Sets the Abseil flags of this program from its command line: --name=value, --name value, --name and --noname for
// switches, and --fromenv=a,b, which takes FLAGS_a and FLAGS_b from the environment. --help prints the flags and ends
// the process.
//
// Errors: kInvalidArgument, an unknown flag, a value that does not fit, a variable that is not set, or a word that is
// no flag. The message is one line that names it.
absl::Status ParseFlags(int argc, char** argv);

}  // namespace common

#endif  // GATEHOUSE_COMMON_COMMAND_LINE_H_
