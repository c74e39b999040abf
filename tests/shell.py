# SPDX-License-Identifier: GPL-2.0-or-later
"""The shell of a machine that runs, at its console."""
import json
import re

PROMPT = r"strata> "
ESCAPES = r"\x1b(?:\[\??[0-9;]*[A-Za-z]|[78])"
ECHO_MAX = 60  # a longer line is wrapped


class Shell:
    """`m` has just been started (harness.Machine)."""

    def __init__(self, m):
        self.m = m
        m.expect(PROMPT, 60)

    def run(self, line, timeout=30):
        """Types a line; returns what it printed."""
        self.m.send(line + "\r")
        # Behind its own echo: a line of the log that came meanwhile has drawn the prompt anew.
        self.m.expect((re.escape(line[-20:]) if len(line) <= ECHO_MAX else "") + r"[^\n]*\n", timeout)
        self.m.expect(PROMPT, timeout)
        return re.sub(ESCAPES, "", self.m.before()).replace("\r", "")

    def json(self, line):
        return [json.loads(row) for row in self.run(line + " --json").splitlines() if row.startswith("{")]
