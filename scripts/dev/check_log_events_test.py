"""check_log_events.py, on sources and READMEs of a few lines."""

import unittest

import check_log_events

SOURCE = r"""
int Fail(absl::string_view event, const absl::Status& status) {
  common::Log(Severity::kError, event, {{"message", status.message()}});
}
void Work() {
  // common::Log(Severity::kInfo, "not_in_a_comment");
  common::Log(common::Severity::kInfo, "begun", {{"text", "a, \"b\" (c"}, {"n", F(1, 2)}});
  Log(
      ok ? Severity::kInfo : Severity::kError,
      ok ? "ended_well" : "ended_badly", {{"text", "https://example.com"}});
  LogAlways("audited", {{"text", "x"}});
  Log(Severity::kWarning, absl::StrCat(kind, "_refused"), {{"n", 1}});
  if (!status.ok()) return Fail("bad_flags", status);
  context.Log(LogLevel::kInfo, "not_ours");
  Log(LogLevel::kInfo, "not_ours");
  BuildCounter().Name("gatehouse_x_total").Help("Of gatehouse_y_total.");
}
"""
EVENTS = {"begun", "ended_well", "ended_badly", "audited", "*_refused", "bad_flags"}
README = """
| Name | Counts |
| --- | --- |
| `gatehouse_x_total{a,b}` | `c` |

| Log events | Say |
| --- | --- |
| `begun`, `ended_well`, `ended_badly` | `d` |
| `audited`, `bad_flags`, `tool_refused`, `prompt_refused` | |

| Another | Table |
| --- | --- |
| `e` | |
"""


class CheckLogEventsTest(unittest.TestCase):
    def problems(self, readme, source=SOURCE):
        return [message for _, message in check_log_events.check(readme, [source])]

    def test_events_are_found_however_they_are_written(self):
        self.assertEqual(set(check_log_events.events_of(SOURCE)), EVENTS)

    def test_a_readme_that_names_all_and_no_others_is_fine(self):
        self.assertEqual(self.problems(README), [])

    def test_what_is_not_named_is_reported(self):
        self.assertEqual(self.problems(README.replace("`begun`, ", "")), ["the log event begun is in no table"])
        self.assertEqual(self.problems(README.replace("`tool_refused`, `prompt_refused`", "")), ["the log event *_refused is in no table"])
        self.assertEqual(self.problems(README.replace("`gatehouse_x_total{a,b}`", "")), ["the metric gatehouse_x_total is in no table"])

    def test_what_is_not_in_the_code_is_reported(self):
        self.assertEqual(self.problems(README, SOURCE.replace("audited", "begun")), ["there is no log event audited"])
        self.assertEqual(
            list(check_log_events.check(README.replace("`gatehouse_x_total{a,b}`", "`gatehouse_x_total`, `gatehouse_z`"), [SOURCE])),
            [(4, "there is no metric gatehouse_z")],
        )


if __name__ == "__main__":
    unittest.main()
