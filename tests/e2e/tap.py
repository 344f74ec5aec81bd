# SPDX-License-Identifier: Apache-2.0
"""Tests of a script as TAP lines: every function named test_... is one, its name is the sentence it proves."""

import os
import signal
import sys
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


def note(text):
    """Something that whoever reads the result should know, though the test passes."""
    print(f"# note: {text}", flush=True)


def main(functions, once=None):
    """
    Runs the tests in `functions` (globals() of the script) in their order; exits.

    once: why it tells nothing new in the second run of the suite, under sanitizers (THERMOGRAF_AGAIN, .ci/run).
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
    for number, (name, function) in enumerate(tests, 1):
        try:
            function()
            print(f"ok {number} {name}", flush=True)
        except Skip as why:
            print(f"ok {number} {name} # SKIP {why}", flush=True)
        except Exception as error:  # pylint: disable=broad-except
            failed += 1
            print(f"not ok {number} {name}")
            text = str(error) if isinstance(error, Failure) else traceback.format_exc()
            print("".join(f"# {line}\n" for line in text.splitlines()), end="", flush=True)
    sys.exit(1 if failed else 0)
