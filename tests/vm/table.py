# SPDX-License-Identifier: Apache-2.0
"""The table kernel x scenario: what was proved where. Lines of "# table: ...", which tests/check shows."""

from collections import Counter, defaultdict

from tap import Skip


class Table:
    """Counts outcomes as they come; show() prints them, and the reasons of all skips below."""

    def __init__(self, keys, tests):
        self.keys, self.tests = keys, tests
        self.outcomes = defaultdict(Counter)  # (key, test): {"ok", "failed", "skipped"}
        self.reasons = {}  # reason: its letter
        self.marks = defaultdict(set)  # (key, test): letters
        self.versions, self.seconds = {}, Counter()

    def took(self, key, version, seconds):
        self.versions[key] = version
        self.seconds[key] += seconds

    def counted(self, key, test, function):
        """The function, which notes how it ended."""

        def with_outcome():
            outcome = "failed"
            try:
                function()
                outcome = "ok"
            except Skip as why:
                outcome = "skipped"
                letter = self.reasons.setdefault(str(why), chr(ord("a") + len(self.reasons) % 26))
                self.marks[key, test].add(letter)
                raise
            finally:
                self.outcomes[key, test][outcome] += 1

        return with_outcome

    def _cell(self, key, test):
        outcomes, marks = self.outcomes.get((key, test), Counter()), ", ".join(sorted(self.marks[key, test]))
        words = [f"**{outcomes['failed']} failed**"] if outcomes["failed"] else []
        words += [f"{outcomes['ok']} ok"] if outcomes["ok"] else []
        words += [f"{outcomes['skipped']} skipped ({marks})"] if outcomes["skipped"] else []
        return ", ".join(words) or "-"

    def show(self):
        rows = [["", *(self.versions.get(key, key) for key in self.keys)], ["---"] * (len(self.keys) + 1)]
        rows += [[test, *(self._cell(key, test) for key in self.keys)] for test in self.tests
                 if any((key, test) in self.outcomes for key in self.keys)]
        rows += [["seconds", *(f"{self.seconds[key]:.0f}" for key in self.keys)]]
        for row in rows:
            print(f"# table: | {' | '.join(row)} |")
        for reason, letter in self.reasons.items():
            print(f"# table: ({letter}) {reason}")
