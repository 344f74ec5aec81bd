#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Puppet module: its example of two data centres, applied by the distribution's puppet.

Everything is applied for real, but into a world of its own: an overlay over this machine's root, in a mount
namespace of the test's, gone with it. What stands in for systemd there is a script that writes down what it was told.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import agent
import lab
import manual
from tap import Skip, equal, main, true

MODULES = lab.ROOT / "packaging" / "puppet"
MODULE = MODULES / "thermograf"
INI = "etc/thermograf/thermograf.ini"
SECRETS = "etc/thermograf/secrets"
CLONE_NEWNS = 0x20000

SYSTEMCTL = """#!/bin/sh
echo "$*" >>/systemctl.log
case $1 in
start) : >/run/thermograf-runs ;;
stop) rm -f /run/thermograf-runs ;;
enable) : >/run/thermograf-enabled ;;
is-active) [ -e /run/thermograf-runs ] && echo active || { echo inactive; exit 3; } ;;
is-enabled) [ -e /run/thermograf-enabled ] && echo enabled || { echo disabled; exit 1; } ;;
show) echo NeedDaemonReload=no ;;
esac
"""


def need_puppet():
    if not shutil.which("puppet"):
        raise Skip("no puppet: apt-get install puppet-agent")


def mount(*args):
    done = subprocess.run(["mount", *map(str, args)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Skip(f"no world to apply it in: {done.stderr.strip()}")


class World:
    """A copy of this machine that may be changed. Only the first test that needs it pays for it."""

    def __init__(self):
        need_puppet()
        if os.geteuid() != 0:
            raise Skip("needs root: mounts")
        if lab.LIBC.unshare(CLONE_NEWNS):
            raise Skip("no world to apply it in: no mount namespaces here")
        mount("--make-rprivate", "/")
        # Under a folder that is there anyway, so that nothing is left behind.
        base = Path("/mnt")
        mount("-t", "tmpfs", "tmpfs", base)
        for name in ("upper", "work", "root"):
            (base / name).mkdir()
        mount("-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={base}/upper,workdir={base}/work", base / "root")
        self.root = base / "root"
        mount("-t", "tmpfs", "tmpfs", self.root / "run")
        mount("--rbind", "/dev", self.root / "dev")
        mount("--rbind", "/sys", self.root / "sys")
        for path in {lab.ROOT, agent.BUILD.resolve()}:
            (self.root / path.relative_to("/")).mkdir(parents=True, exist_ok=True)
            mount("--rbind", path, self.root / path.relative_to("/"))
        self.stand_in()

    def stand_in(self):
        """For systemd, for the agent where a package puts it, and for what of it may be here already."""
        (self.root / "comm").write_text("systemd\n")
        for path in ("usr/bin/systemctl", "usr/bin/thermograf"):
            (self.root / path).unlink(missing_ok=True)
        (self.root / "usr/bin/systemctl").write_text(SYSTEMCTL)
        (self.root / "usr/bin/systemctl").chmod(0o755)
        (self.root / "usr/bin/thermograf").symlink_to(agent.program().resolve())
        shutil.rmtree(self.root / "etc/thermograf", ignore_errors=True)
        subprocess.run(["chroot", self.root, "groupadd", "-f", "--system", "thermograf"], check=True)

    def systemctl_calls(self):
        """What systemd was told to do since the last question; not what it was asked."""
        log = self.root / "systemctl.log"
        calls = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return [call.replace(" --", "") for call in calls if call.split()[0] not in
                ("is-active", "is-enabled", "show", "unmask")]

    def read(self, path):
        return (self.root / path).read_text()


WORLD = []
FIRST = []  # what systemd was told when the example was applied for the first time


def world():
    if not WORLD:
        WORLD.append(World())
        with site() as folder:
            apply_changes(folder, "web1", "west-1", True)
        FIRST.extend(WORLD[0].systemctl_calls())
    return WORLD[0]


@contextmanager
def site():
    """A copy of the example, with the probe of the manual in a module of the site."""
    there = world()
    with tempfile.TemporaryDirectory(prefix="thermograf-puppet-", dir=there.root / "root") as folder:
        folder = Path(folder)
        shutil.copytree(MODULE / "examples", folder / "site")
        files = folder / "modules" / "profile" / "files"
        files.mkdir(parents=True)
        shutil.copy(manual.build(folder) / "issued.bpf.o", files)
        yield folder


def apply(folder, host, dc):
    """puppet apply; what it changed, or None where it failed, and all that it said."""
    there = world()
    inside = Path("/") / folder.relative_to(there.root)
    # With processes of its own, of which the first has systemd's name: what puppet looks for.
    done = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "chroot", there.root, "sh", "-ec",
         'mount -t proc proc /proc; mount --bind /comm /proc/1/comm; exec "$@"', "sh", "env", f"FACTER_dc={dc}", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8",
         "puppet", "apply", "--detailed-exitcodes", "--color=false", f"--certname={host}.{dc}.example.com",
         f"--modulepath={MODULES}:{inside}/modules", f"--hiera_config={inside}/site/hiera.yaml",
         inside / "site" / "site.pp"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=120)
    return {0: False, 2: True}.get(done.returncode), done.stdout


def apply_changes(folder, host, dc, wanted):
    changed, said = apply(folder, host, dc)
    equal(changed, wanted, f"whether it changed something on {host} in {dc}, saying\n{said}")
    true("Warning" not in said, f"puppet warns:\n{said}")


def replace(path, old, new):
    text = path.read_text()
    true(old in text, f"{path} has no {old!r}")
    path.write_text(text.replace(old, new))


def test_puppet_reads_it_and_puppet_lint_is_silent():
    need_puppet()
    folders = [str(MODULE / name) for name in ("manifests", "types", "functions", "examples")]
    commands = [["puppet", "parser", "validate", *folders],
                ["puppet", "epp", "validate", *map(str, (MODULE / "templates").iterdir())]]
    if shutil.which("puppet-lint"):
        commands.append(["puppet-lint", "--fail-on-warnings", *map(str, sorted(MODULE.rglob("*.pp")))])
    for command in commands:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        equal((done.returncode, done.stdout), (0, ""), " ".join(command[:3]))


LONG = "x" * 190  # leaves no room on its line


VALUES = ["plain", "a;b", "#a", "a#b", [LONG, "aaa;b"], [LONG, "aaa#b"]]
NO_VALUES = [";a", " ;a", "a ;b", "a\t;b", "a\nb", [LONG, "#bbbb"], [LONG, ";bbbb"], ["a", ";b"]]
# JSON is Puppet's, too. What the types take is written as the module writes it.
RENDER = """{values}.each |$i, $value| {{
  if $value =~ Thermograf::Value {{
    $sections = {{ 'global_tags' => {{ 'dc' => $value }}, 'output.o' => {{ 'type' => 'stdout' }} }}
    file {{ "{folder}/${{i}}.ini": content => epp('thermograf/ini.epp', {{ 'sections' => $sections }}) }}
  }}
}}
"""


def test_the_agent_reads_each_value_as_it_was_given_or_puppet_refuses_it():
    need_puppet()
    with tempfile.TemporaryDirectory(prefix="thermograf-puppet-") as folder:
        code = RENDER.format(values=json.dumps(VALUES + NO_VALUES), folder=folder)
        done = subprocess.run(["puppet", "apply", f"--modulepath={MODULES}", f"--confdir={folder}", f"--vardir={folder}/var", "-e", code],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        written = sorted(Path(folder).glob("*.ini"), key=lambda path: int(path.stem))
        equal([path.stem for path in written], [str(i) for i in range(len(VALUES))], f"the values that were taken; puppet says\n{done.stdout}")
        for path, value in zip(written, VALUES):
            done = subprocess.run([agent.program(), "check", "--json", "--config", path], capture_output=True, text=True, check=False)
            wanted = " ".join(value) if isinstance(value, list) else value
            equal(json.loads(done.stdout)["tags"]["dc"], wanted, f"the tag of\n{path.read_text()}{done.stderr}")


def test_applied_twice_the_second_changes_nothing():
    ini = world().read(INI)
    true("[global_tags]\ndc = west-1\n" in ini, f"no tag dc = west-1 in\n{ini}")
    # A listener with a token is that of version 2; the other one wants a user's name.
    true(re.search(r"^\[output.telegraf\]\ntype = influx2\n(?:.+\n)*token_file = /etc/thermograf/secrets/telegraf\n", ini, re.M),
         f"no token for an influxdb_v2_listener in\n{ini}")
    true("[probe.block_io]\nconst.phases = total queue device\n" in ini, f"no phases in\n{ini}")
    equal(FIRST, ["start thermograf", "enable thermograf"], "what systemd was told")
    with site() as folder:
        apply_changes(folder, "web1", "west-1", False)
    equal(world().systemctl_calls(), [], "what systemd was told the second time")


def test_a_change_reloads_and_does_not_restart_and_what_is_not_puppets_stays():
    (world().root / SECRETS / "by-hand").write_text("not-a-real-token\n")
    with site() as folder:
        replace(folder / "site/data/common.yaml", "thermograf::purge_secrets: true", "")
        replace(folder / "site/data/common.yaml", "interval: 10s", "interval: 5s")
        apply_changes(folder, "web1", "west-1", True)
        true("interval = 5s" in world().read(INI), "the change did not arrive")
        equal(world().systemctl_calls(), ["reload thermograf.service"], "what systemd was told")
    true((world().root / SECRETS / "by-hand").exists(), "a secret that somebody put there is gone")


def test_a_change_of_a_secret_that_systemd_hands_over_restarts():
    with site() as folder:
        west = folder / "site/data/dc/west-1.yaml"
        replace(west, "# With eyaml", 'thermograf::unit:\n  Service:\n    LoadCredential: "token:/etc/thermograf/secrets/telegraf"\n# With eyaml')
        apply_changes(folder, "web1", "west-1", True)
        world().systemctl_calls()
        replace(west, "not-a-real-token", "another-token")
        apply_changes(folder, "web1", "west-1", True)
        equal(world().systemctl_calls(), ["daemon-reload", "try-restart thermograf.service"], "what systemd was told")


def test_a_mistake_is_told_and_changes_nothing():
    before = world().read(INI)
    with site() as folder:
        replace(folder / "site/data/common.yaml", "interval: 10s", "interval: ten")
        changed, said = apply(folder, "web1", "west-1")
        equal(changed, None, f"whether it failed, saying\n{said}")
        true("[agent] interval: " in said, f"puppet does not tell what the agent says:\n{said}")
    equal(world().read(INI), before, "the configuration")
    equal(world().systemctl_calls(), [], "what systemd was told")


def test_a_host_in_the_other_data_centre_has_its_own_probe_and_limit():
    with site() as folder:
        apply_changes(folder, "db1", "east-1", True)
        equal(world().systemctl_calls(),
              ["daemon-reload", "try-restart thermograf.service", "reload thermograf.service"], "what systemd was told")
        checked = subprocess.run(["chroot", world().root, "thermograf", "check"], capture_output=True, text=True, check=False)
    ini = world().read(INI)
    for text in ("dc = east-1\n", "interval = 1s\n", "[probe.issued]\nmax_series = 500\n", "phases = total\n"):
        true(text in ini, f"no {text!r} in\n{ini}")
    equal(world().read("etc/systemd/system/thermograf.service.d/puppet.conf").split("\n\n")[1],
          "[Service]\nMemoryMax=256M\n", "drop-in of the unit")
    true("program block_rq_issue: " in checked.stdout, f"its probe is not in\n{checked.stdout}{checked.stderr}")
    equal(list((world().root / SECRETS).iterdir()), [], "secrets that are not east-1's, with purge_secrets")
    # And a mistake in the description.
    with site() as folder:
        replace(folder / "site/data/node/db1.east-1.example.com.yaml", "ios counter rate", "ois counter rate")
        changed, said = apply(folder, "db1", "east-1")
        equal(changed, None, f"whether it failed, saying\n{said}")
        true('"ois" is not a member of struct issued_value' in said, f"puppet does not tell what the agent says:\n{said}")
    true("ios counter rate" in world().read("etc/thermograf/probes.d/issued.ini"), "the mistake is in probes.d")
    equal(world().systemctl_calls(), [], "what systemd was told of the mistake")


if __name__ == "__main__":
    main(globals(), once="Puppet's work")
