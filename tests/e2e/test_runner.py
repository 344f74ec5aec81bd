#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tests/check and .ci/run: nothing that went wrong is counted as passed, and nothing is left out of the last line."""

import os
import subprocess
import tempfile

from lab import ROOT
from tap import equal, main, true


def check(*scripts, name="program", ci=None):
    """Runs the runner on shell scripts: (exit code, last line, all)."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, script in enumerate(scripts):
            paths.append(os.path.join(folder, f"{name}{number}"))
            with open(paths[-1], "w", encoding="ascii") as file:
                file.write("#!/bin/sh\n" + script)
            os.chmod(paths[-1], 0o755)
        env = {key: value for key, value in os.environ.items() if key != "CI"}
        done = subprocess.run([ROOT / "tests" / "check", *paths], capture_output=True, text=True, check=False, cwd=folder,
                              env={**env, "FOLDER": folder, **({"CI": ci} if ci else {})})
        return done.returncode, done.stdout.splitlines()[-1], done.stdout


def test_results_of_all_programs_are_added_up():
    code, last, out = check("echo 1..2; echo 'ok 1 - a'; echo 'ok 2 b # SKIP no disk here'", "echo 'ok 1 c'")
    equal((code, last), (0, "2 passed, 0 failed, 1 skipped"), "exit code and last line")
    true("skipped: b: no disk here" in out, f"the reason of the skip in:\n{out}")


def test_a_failure_fails_the_run_and_its_details_are_told():
    code, last, out = check("echo 'ok 1 a'; echo 'not ok 2 b'; echo '# got 1, wanted 2'; exit 1")
    equal((code, last), (1, "1 passed, 1 failed, 0 skipped"), "exit code and last line")
    true("got 1, wanted 2" in out, f"details in:\n{out}")


def test_a_crash_after_all_tests_passed_is_a_failure():
    equal(check("echo 'ok 1 a'; kill -SEGV $$")[:2], (1, "1 passed, 1 failed, 0 skipped"), "exit code and last line")


def test_a_bad_exit_code_is_a_failure_though_all_tests_passed():
    equal(check("echo 'ok 1 a'; exit 23")[:2], (1, "1 passed, 1 failed, 0 skipped"), "exit code and last line")


def test_a_program_that_ran_no_test_is_a_failure():
    equal(check("exit 0")[:2], (1, "0 passed, 1 failed, 0 skipped"), "exit code and last line")


def test_a_program_that_stops_before_its_plan_is_a_failure():
    equal(check("echo 1..3; echo 'ok 1 a'")[:2], (1, "1 passed, 1 failed, 0 skipped"), "exit code and last line")


def test_the_reason_that_a_cmocka_test_printed_is_told():
    code, last, out = check("echo 1..1; echo 'no such device'; echo 'not ok 1 # SKIP attaches'")
    equal((code, last), (0, "0 passed, 0 failed, 1 skipped"), "exit code and last line")
    true("skipped: attaches: no such device" in out, f"the reason of the skip in:\n{out}")


UNSTEADY = 'echo 1..1; if [ -e "$FOLDER/ran" ]; then echo "ok 1 a"; else : >"$FOLDER/ran"; echo "not ok 1 a"; exit 1; fi'
ALWAYS = "echo 1..1; echo 'not ok 1 a'; exit 1"


def test_an_end_to_end_test_that_fails_once_is_shown_and_counted_by_its_second_run_in_ci_only():
    code, last, out = check(UNSTEADY, name="test_", ci="true")
    equal((code, last), (0, "1 passed, 0 failed, 0 skipped"), "exit code and last line")
    true("not ok: a" in out and "unsteady: " in out, f"the first failure, and that it is unsteady, in:\n{out}")
    for more in ({}, {"ci": "true", "name": "program"}):
        equal(check(UNSTEADY, **{"name": "test_", **more})[:2], (1, "0 passed, 1 failed, 0 skipped"), f"with {more}")
    equal(check(ALWAYS, name="test_", ci="true")[:2], (1, "0 passed, 1 failed, 0 skipped"), "what fails twice")


def ci(**said):
    """.ci/run with a `make` that says (text, exit code) for a target, and nothing for others: (exit code, all)."""
    with tempfile.TemporaryDirectory() as folder:
        make = os.path.join(folder, "make")
        cases = "".join(f"*' {target}') echo '{text}'; exit {code} ;;\n" for target, (text, code) in said.items())
        with open(make, "w", encoding="ascii") as file:
            file.write(f'#!/bin/sh\ncase " $*" in\n{cases}esac\n')
        os.chmod(make, 0o755)
        done = subprocess.run([ROOT / ".ci" / "run"], capture_output=True, text=True, check=False, timeout=60,
                              env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"})
        return done.returncode, done.stdout


def test_a_step_of_ci_that_ends_badly_is_a_failure_whatever_it_counted():
    for lint, wanted in ((("5 passed, 0 failed, 2 skipped", 0), (0, "5 passed, 0 failed, 2 skipped")),
                         (("5 passed, 0 failed, 2 skipped", 1), (1, "5 passed, 1 failed, 2 skipped")),
                         (("4 passed, 10 failed, 2 skipped", 1), (1, "4 passed, 10 failed, 2 skipped")),
                         (("0 passed, 0 failed, 0 skipped", 137), (1, "0 passed, 1 failed, 0 skipped")),
                         (("out of memory", 1), (1, "0 passed, 1 failed, 0 skipped")),
                         (("nothing to count", 0), (0, "0 passed, 0 failed, 0 skipped"))):
        code, out = ci(lint=lint)
        equal((code, out.splitlines()[-1]), wanted, f"exit code and last line, with {lint}, saying\n{out}")


if __name__ == "__main__":
    main(globals(), once="no agent in it")
