#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What bash offers behind `thermograf`, and that it is what the program takes."""

import re
import shlex
import subprocess
import tempfile
from pathlib import Path

import agent
import lab
from tap import Skip, equal, main, true

FRAMEWORK = Path("/usr/share/bash-completion/bash_completion")
COMPLETION = lab.ROOT / "packaging" / "completion" / "thermograf"
# As readline calls it; compopt works only from there.
ASK = """. {framework}; . {completion}; compopt() {{ :; }}
COMP_LINE={line}; COMP_POINT={point}; COMP_WORDS=({words}); COMP_CWORD={last}
_thermograf {program} {current} {previous} && printf '%s\\n' "${{COMPREPLY[@]}}"
"""
CONFIG = """[output.here]
[output.there]
type = stdout
[probe.block_io]
enabled = yes
"""


def offered(line):
    """What is offered at the end of the line, which begins behind the program's name."""
    if not FRAMEWORK.exists():
        raise Skip("no bash-completion: apt-get install bash-completion")
    program = str(agent.program())
    # "=" is a word of its own to bash (COMP_WORDBREAKS).
    words = [program, *(part for word in line.split(" ") for part in re.split("(=)", word) if part or not word)]
    script = ASK.format(framework=FRAMEWORK, completion=shlex.quote(str(COMPLETION)), program=shlex.quote(program),
                        line=shlex.quote(f"{program} {line}"), point=len(f"{program} {line}"), last=len(words) - 1,
                        words=" ".join(map(shlex.quote, words)), current=shlex.quote(words[-1]),
                        previous=shlex.quote(words[-2]))
    done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, check=False, cwd=lab.ROOT)
    equal(done.stderr, "", f"what bash says of {line!r}")
    return set(done.stdout.split())


def said(*args):
    return subprocess.run([agent.program(), *args], capture_output=True, text=True, check=True).stdout


def test_commands_are_those_of_help():
    commands = set(re.findall(r"^  ([a-z]+)  ", said("--help"), re.M))
    true({"run", "check"} <= commands, f"help names {commands}")
    equal(offered(""), commands, "offered first")
    equal(offered("ch"), {"check"}, "offered for ch")
    equal(offered("check "), set(), "offered behind a command")


def test_options_are_those_of_the_commands_help():
    for command in offered(""):
        options = set(re.findall(r"^  (--[a-z-]+)", said(command, "--help"), re.M))
        equal(offered(f"{command} --"), options | {"--help", "--version"}, f"offered behind {command}")


def test_every_key_is_offered_with_its_section_and_taken_by_the_program():
    defaults = said("check", "--defaults")
    keys = re.findall(r"^;([a-z_A-Z.-]+) =", defaults, re.M)
    true(len(keys) > 30, f"{len(keys)} keys in the defaults")
    with tempfile.NamedTemporaryFile("w", suffix=".ini") as file:
        file.write(CONFIG)
        file.flush()
        got = offered(f"check --config {file.name} --set ")
        for section in ("output.here", "output.there", "agent", "probe.block_io", "global_tags"):
            true(any(key.startswith(f"{section}/") for key in got), f"no key of {section} in {got}")
        equal({re.sub(r"(header|const)\..*", r"\1.", key) for key in keys},
              {re.sub(r".*/|=$", "", key) for key in got}, "keys offered")
        equal(offered(f"check --config {file.name} --set output.there/sty"), {"output.there/style="}, "offered for a style")
        # One that the program does not know would be an error; whether the value is right does not matter here.
        for key in sorted(got):
            name = key if key.endswith("=") else f"{key}phases="
            done = subprocess.run([agent.program(), "check", "--config", file.name, "--set", f"{name}x"],
                                  capture_output=True, text=True, check=False)
            true("no such key" not in done.stderr and "no such section" not in done.stderr, f"{name}: {done.stderr}")


def test_values_are_the_words_that_a_key_may_have():
    equal(offered("run --set output.x/type="), {"influx1", "influx2", "influx3", "http", "stdout", "file"}, "types")
    equal(offered("run --set output.x/style=p"), {"prometheus"}, "styles with p")
    equal(offered("run --set probe.block_io/enabled="), {"yes", "no", "auto"}, "enabled")
    equal(offered("run --set agent/interval="), set(), "of a duration")


def test_files_are_offered_for_config():
    true("conf/thermograf.ini" in offered("run --config conf/therm"), "not the file of the source tree")


if __name__ == "__main__":
    main(globals(), once="bash and a table")
