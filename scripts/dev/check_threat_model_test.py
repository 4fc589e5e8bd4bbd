"""check_threat_model.py, on documents that name tests of a folder of their own."""

import os
import tempfile
import unittest

import check_threat_model

DOCUMENT = """# Threat model

### Not a threat

## Threats

### Theft
- Defence: none, `x/y.cc`.
- Tests: {tests}

## Afterwards
"""


class CheckThreatModelTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(folder.name)
        os.mkdir("a")
        for name, text in {
            "a/b_test.cc": "TEST(SuiteTest, Case) {\nTEST_F(OtherTest, Long) {",
            "a/b.test.js": "it('a title', () => {});\nfor (name of ['expired'])\nit(`${{ a: 1 }[name]}: 401`, () => {});\nit('it\\'s', () => {});",
            "a/b_test.py": "    def test_it(self):\n",
            "a/b_fuzz.cc": "",
        }.items():
            with open(name, "w", encoding="utf-8") as file:
                file.write(text)

    def problems(self, tests):
        return [message for _, message in check_threat_model.check(DOCUMENT.format(tests=tests))]

    def test_tests_that_exist_are_fine(self):
        self.assertEqual(self.problems("`a/b_test.cc` `SuiteTest.Case`, `OtherTest.Long`; `a/b_fuzz.cc`"), [])
        self.assertEqual(self.problems("`a/b.test.js` `a title`, `expired: 401`,\n  `it's`; `a/b_test.py` `test_it`"), [])

    def test_tests_that_do_not_exist_are_named(self):
        self.assertEqual(self.problems("`a/b_test.cc` `SuiteTest.Other`"), ["a/b_test.cc has no test SuiteTest.Other"])
        self.assertEqual(self.problems("`a/b.test.js` `a tit`"), ["a/b.test.js has no test a tit"])
        self.assertEqual(self.problems("`a/b.test.js` `forged: 401`"), ["a/b.test.js has no test forged: 401"])
        self.assertEqual(self.problems("`a/b_fuzz.cc`; `a/gone_test.cc` `SuiteTest.Case`"), ["there is no a/gone_test.cc"])

    def test_each_threat_has_a_test(self):
        self.assertEqual(self.problems("none yet"), ["no test is named"])
        self.assertEqual(self.problems("`a/b_test.cc`"), ["no test is named"])
        without = DOCUMENT.replace("- Tests: {tests}", "")
        self.assertEqual([m for _, m in check_threat_model.check(without)], ["Theft: no list item begins with Tests:"])
        self.assertEqual([m for _, m in check_threat_model.check("# Nothing")], ["no threats under ## Threats"])


if __name__ == "__main__":
    unittest.main()
