# SPDX-License-Identifier: Apache-2.0
"""Tests of a script as TAP lines: every function named test_... is one, its name is the sentence it proves."""

import os
import signal
import sys
import threading
import traceback


class Skip(Exception):
    """This test cannot run here; the text says why."""


class Failure(Exception):
    """The test's own verdict: no traceback needed."""


def equal(got, wanted, what):
    if got != wanted:
        raise Failure(f"{what}: got {got!r}, wanted {wanted!r}")


def at_most(low, high, what):
    if not low <= high:
        raise Failure(f"{what}: {low!r} is above {high!r}")


def true(value, what):
    if not value:
        raise Failure(what)


def say(line):
    """In one piece: tests that run at once have notes at any time."""
    print(f"{line}\n", end="", flush=True)


def note(text):
    """Something that whoever reads the result should know, though the test passes."""
    say(f"# note: {text}")


class AtOnce(threading.Thread):
    """A test in a thread of its own, and in place of it."""

    def __init__(self, function):
        super().__init__(daemon=True)
        self.function, self.error = function, None
        self.start()

    def run(self):
        try:
            self.function()
        except BaseException as error:  # pylint: disable=broad-except
            self.error = error

    def __call__(self):
        self.join()
        if self.error:
            raise self.error


def main(functions, once=None, at_once=False):
    """
    Runs the tests in `functions` (globals() of the script) in their order; exits.

    once: why it tells nothing new in the second run of the suite, under sanitizers (THERMOGRAF_AGAIN, .ci/run).
    at_once: all are begun together: they mostly wait, and do not disturb each other.
    """
    if once and os.environ.get("THERMOGRAF_AGAIN"):
        print(f"1..0 # SKIP once is enough: {once}")
        sys.exit(0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that devices and services are put away
    tests = [(name[5:].replace("_", " "), f) for name, f in functions.items() if name.startswith("test_")]
    wanted = sys.argv[1:]
    tests = [(name, f) for name, f in tests if not wanted or any(word in name for word in wanted)]
    failed = 0
    print(f"1..{len(tests)}", flush=True)
    if at_once:
        tests = [(name, AtOnce(f)) for name, f in tests]
    for number, (name, function) in enumerate(tests, 1):
        try:
            function()
            say(f"ok {number} {name}")
        except Skip as why:
            say(f"ok {number} {name} # SKIP {why}")
        except Exception as error:  # pylint: disable=broad-except
            failed += 1
            text = str(error) if isinstance(error, Failure) else traceback.format_exc()
            say("\n# ".join([f"not ok {number} {name}", *text.splitlines()]))
    sys.exit(1 if failed else 0)
