"""What ./dev call makes of what is typed."""

import contextlib
import io
import unittest
from unittest import mock

import call_tool


def ask(schema, *typed):
    """What becomes of a form with one field, and what was printed meanwhile."""
    printed = io.StringIO()
    params = {"message": "How many?", "requestedSchema": {"properties": {"field": schema}}}
    with mock.patch("builtins.input", side_effect=[*typed, EOFError]), contextlib.redirect_stdout(printed):
        return call_tool.ask("key", params), printed.getvalue()


class AskTest(unittest.TestCase):
    def test_a_typo_is_asked_again(self):
        for kind, typo, mended, value in [
            ("integer", "tow", "2", 2),
            ("integer", "true", "2", 2),
            ("integer", "2.5", "2", 2),
            ("number", "2,5", "2.5", 2.5),
            ("number", "NaN", "2", 2),
            ("number", "1e999", "2", 2),
            ("boolean", "yes", "true", True),
            ("array", '{"a":1}', '["a"]', ["a"]),
            ("array", "[" * 100_000, "[]", []),
        ]:
            with self.subTest(kind=kind, typo=typo[:10]):
                answer, printed = ask({"type": kind}, typo, mended)
                self.assertEqual(answer, {"action": "accept", "content": {"field": value}})
                self.assertIn(f"that is no {kind}", printed)

    def test_after_a_typo_one_may_still_decline_or_leave(self):
        self.assertEqual(ask({"type": "integer"}, "tow", "")[0], {"action": "decline"})
        self.assertEqual(ask({"type": "integer"}, "tow")[0], {"action": "cancel"})

    def test_text_is_taken_as_it_is(self):
        self.assertEqual(ask({"type": "string"}, "12")[0], {"action": "accept", "content": {"field": "12"}})


if __name__ == "__main__":
    unittest.main()
