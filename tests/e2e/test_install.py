#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make install: what it puts where finds each other, also elsewhere than below /usr, and make uninstall takes it back.
The unit is judged by systemd's own tools, without a systemd that runs."""

import functools
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import agent
import lab
from tap import Failure, Skip, at_most, equal, main, true

EXPOSURE_MAX = 2.0
# systemd 250 and newer judge a unit that is not installed.
SYSTEMD_MIN = 250


def run(*argv, **more):
    done = subprocess.run([str(word) for word in argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **more)
    equal(done.returncode, 0, f"exit code of {' '.join(map(str, argv))}, which says {done.stdout}")
    return done.stdout


def make(*words):
    debug = ["DEBUG=1"] if agent.BUILD.name == "debug" else []
    return run("make", "-s", "-C", lab.ROOT, *debug, *words)


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


class Installation:
    """Installed into a folder of its own, as if that were the root of places: no DESTDIR, so all paths are real."""

    def __init__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="thermograf-install-")
        self.root = Path(self.temporary.name)
        os.chmod(self.root, 0o755)
        # The objects of the build as they are: only what has paths compiled in is made anew.
        build = self.root / "build"
        for name in ("lib", "cmd", "probes", "man"):
            shutil.copytree(agent.BUILD / name, build / name, copy_function=shutil.copy2)
        self.words = [f"O={build}", f"PREFIX={self.root}/usr", f"sysconfdir={self.root}/etc"]
        make("install", *self.words)
        self.program = self.root / "usr/bin/thermograf"
        self.unit = self.root / "usr/lib/systemd/system/thermograf.service"

    def files(self):
        return {name for name in files(self.root) if not name.startswith("build/")}


@functools.cache
def installation():
    agent.program()
    return Installation()


def test_the_program_finds_its_configuration_and_its_probes():
    inst = installation()
    said = run(inst.program, "check", "--set", "global_tags/dc=lab")
    true(f"{inst.root}/etc/thermograf/thermograf.ini" in said, f"check does not name its configuration:\n{said}")
    true("probe block_io" in said, f"check does not find the shipped probe:\n{said}")
    (inst.root / "etc/thermograf/conf.d/site.ini").write_text("[output.site]\nurls = http://site.example:8086\n")
    (inst.root / "etc/thermograf/probes.d/block_io.ini").write_text("[probe]\nversion = 1\nobject = none.bpf.o\n")
    try:
        done = subprocess.run([inst.program, "check"], capture_output=True, text=True, check=False)
        true("http://site.example:8086" in done.stdout, f"conf.d is not read:\n{done.stdout}")
        true(f"{inst.root}/etc/thermograf/probes.d" in done.stderr, f"probes.d does not override:\n{done.stderr}")
    finally:
        (inst.root / "etc/thermograf/conf.d/site.ini").unlink()
        (inst.root / "etc/thermograf/probes.d/block_io.ini").unlink()


def test_unit_and_manual_name_the_places_of_this_installation():
    inst = installation()
    unit = inst.unit.read_text()
    true(f"ExecStart={inst.program} run\n" in unit, f"the unit starts another program:\n{unit}")
    page = (inst.root / "usr/share/man/man8/thermograf.8").read_text()
    for path in ("etc/thermograf/thermograf.ini", "usr/lib/thermograf/probes"):
        true(f"{inst.root}/{path}" in page, f"thermograf(8) does not name {inst.root}/{path}")
    for name in inst.files():
        if not name.endswith((".o", "bin/thermograf", ".md")):
            text = (inst.root / name).read_text(errors="replace")
            usual = re.search(r"(?<![\w/-])/(etc|usr/lib|usr/bin|usr/include|usr/share/doc)/thermograf", text)
            true(not usual, f"{name} names {usual and usual[0]}")


def test_headers_of_probes_are_where_an_author_finds_them():
    inst = installation()
    folder = inst.root / "usr/include/thermograf"
    equal({path.name for path in folder.iterdir()}, {path.name for path in (lab.ROOT / "bpf").glob("*.bpf.h")},
          "headers installed")


def test_the_text_of_each_licence_is_beside_the_readme():
    folder = installation().root / "usr/share/doc/thermograf"
    lines = {line for where in ("bpf", "lib", "cmd") for path in (lab.ROOT / where).glob("*.[ch]")
             for line in re.findall(r"SPDX-License-Identifier: ([^*\n]+)", path.read_text(encoding="utf-8"))}
    names = {name.strip() for line in lines for name in line.split(" OR ")}
    true({"Apache-2.0", "GPL-2.0-only"} <= names, f"licences of the sources: {names}")
    for name in names:
        text = folder / ("LICENSE" if name == "Apache-2.0" else f"LICENSE.{name}")
        true(text.exists() and text.stat().st_size > 1000, f"no {text.name} for {name}")


def test_every_example_of_the_source_is_installed():
    known = subprocess.run(["git", "-C", lab.ROOT, "ls-files", "conf"], capture_output=True, text=True, check=False) if \
        shutil.which("git") else None
    if not known or known.returncode:
        raise Skip(f"git does not tell what the source has: {known.stderr.strip() if known else 'it is not installed'}")
    wanted = {name.removeprefix("conf/") for name in known.stdout.split()}
    wanted |= {f"systemd/{path.name}" for path in (lab.ROOT / "packaging/systemd/examples").iterdir()}
    equal(files(installation().root / "usr/share/doc/thermograf/examples"), wanted, "examples")


def package_of(library):
    """The Debian package that a library of the loader's cache is in."""
    path = re.search(rf"^\s+{re.escape(library)} .*=> (\S+)$", run("/sbin/ldconfig", "-p"), re.M)
    true(path, f"the loader knows no {library}")
    real = os.path.realpath(path[1])
    # Where /lib is a link, the database has either name.
    for name in (real, real.removeprefix("/usr"), path[1], f"/usr{path[1]}"):
        done = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True, check=False)
        if not done.returncode:
            return done.stdout.split(":")[0].removesuffix("t64")
    raise Failure(f"{library} ({path[1]}) is of no package")


def test_the_readme_names_each_package_that_a_host_needs():
    if not shutil.which("dpkg-query"):
        raise Skip("not Debian: no dpkg-query")
    needed = re.findall(r"\(NEEDED\).*\[(\S+)\]", run("readelf", "-d", agent.program()))
    wanted = {package_of(name) for name in needed if not re.match(r"lib(?:c|m|asan|ubsan)\.so", name)}
    named = re.search(r"They need (.*?) \(", (lab.ROOT / "README.md").read_text(encoding="utf-8"))
    true(wanted and named, f"it needs {wanted}, and README.md has no word of it")
    equal(wanted - set(re.findall(r"\w+", named[1])), set(), "packages that README.md does not name")


def systemd_tool(name):
    if not shutil.which(name):
        raise Skip(f"{name} is not installed (package systemd)")
    version = int(re.search(r"^systemd (\d+)", run(name, "--version"))[1])
    if version < SYSTEMD_MIN:
        raise Skip(f"systemd {version} cannot judge a unit that is not installed")
    return name, version


def exposure(unit):
    name, _ = systemd_tool("systemd-analyze")
    said = run(name, "security", "--offline=true", "--no-pager", unit)
    return float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)[1]), said


def test_the_unit_is_hardened_below_two():
    level, said = exposure(installation().unit)
    at_most(level, EXPOSURE_MAX - 0.1, f"exposure level:\n{said}")


def test_systemd_has_nothing_to_say_about_the_unit_and_its_drop_ins():
    inst = installation()
    name, version = systemd_tool("systemd-analyze")
    equal(run(name, "verify", "--man=no", inst.unit), "", "systemd-analyze verify")
    folder = inst.unit.parent / "thermograf.service.d"
    for example in sorted((inst.root / "usr/share/doc/thermograf/examples/systemd").glob("*.conf")):
        if example.name == "notify-reload.conf" and version < 253:
            continue
        folder.mkdir()
        shutil.copy(example, folder)
        try:
            equal(run(name, "verify", "--man=no", inst.unit), "", f"systemd-analyze verify with {example.name}")
        finally:
            shutil.rmtree(folder)


def test_uninstall_leaves_only_the_configuration_that_was_changed():
    with tempfile.TemporaryDirectory(prefix="thermograf-destdir-") as temporary:
        root = Path(temporary)
        words = [*installation().words[:1], f"DESTDIR={root}"]  # the build's own paths are of no matter here
        make("install", *words)
        ini = root / "etc/thermograf/thermograf.ini"
        true(ini.exists() and (root / "usr/bin/thermograf").exists(), f"installed: {sorted(files(root))}")
        make("uninstall", *words)
        equal(files(root), set(), "files after install and uninstall")
        make("install", *words)
        ini.write_text("[agent]\ninterval = 1m\n")
        make("install", *words)
        equal(ini.read_text(), "[agent]\ninterval = 1m\n", "the configuration after a second install")
        make("uninstall", *words)
        equal(files(root), {"etc/thermograf/thermograf.ini"}, "files after uninstall")


if __name__ == "__main__":
    main(globals(), once="make and files")
