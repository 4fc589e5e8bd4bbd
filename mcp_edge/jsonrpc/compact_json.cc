#include "mcp_edge/jsonrpc/compact_json.h"

#include "mcp_edge/jsonrpc/member_names.h"

namespace mcp_edge {
namespace {

// Copies the text without its space.
class Copier {
 public:
  Copier(absl::string_view text, std::string& out) : text_(text), out_(out) {}

  void Space(size_t begin, size_t end) {
    Flush(begin);
    copied_ = end;
  }

  // Copies what there is up to `end`.
  void Flush(size_t end) { out_.append(text_.data() + copied_, end - copied_); }

  void Open(bool) { names_.Open(); }
  bool Name(absl::string_view inside, bool has_escapes) {
    names_.Add(inside, has_escapes);
    return true;
  }
  bool Close() { return names_.Close(); }

  void String(absl::string_view, bool) {}
  void Number(absl::string_view, bool) {}
  void Bool(bool) {}
  void Null() {}

 private:
  const absl::string_view text_;
  std::string& out_;
  size_t copied_ = 0;  // up to there the text has been copied, or left out
  MemberNames names_;
};

}  // namespace

absl::Status AppendCompactJson(absl::string_view text, std::string& out, size_t max_depth) {
  Copier copier(text, out);
  absl::Status status = JsonScanner<Copier>(text, max_depth, copier).Scan();
  if (status.ok()) copier.Flush(text.size());
  return status;
}

absl::StatusOr<std::string> CompactJson(absl::string_view text, size_t max_depth) {
  std::string compact;
  compact.reserve(text.size());
  const absl::Status status = AppendCompactJson(text, compact, max_depth);
  if (!status.ok()) return status;
  return compact;
}

}  // namespace mcp_edge
