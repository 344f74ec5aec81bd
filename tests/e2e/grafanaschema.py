# SPDX-License-Identifier: Apache-2.0
"""Dashboards against the types that Grafana publishes as the npm package @grafana/schema, by the TypeScript compiler.

The JSON becomes a literal of these types: a key that they do not have, a word that is none of an enum's, a number where
text belongs are errors. Unpacked below build/ once and never installed.
"""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import lab
from tap import Failure, Skip

# The first that has the types of panels, and the last of the newest major that we name.
SCHEMAS = ("10.4.19", "12.4.11")
TYPESCRIPT = "5.4.5"
CACHE = lab.ROOT / "build" / "e2e" / f"grafana-schema-{'-'.join(SCHEMAS)}"

# In JSON an enum is the text or number of its member; what has a default may be left out.
PROLOGUE = """
type Json<T> = T extends string ? `${T}`
  : T extends number ? (`${T}` extends `${infer N extends number}` ? N : T)
  : T extends (infer U)[] ? Json<U>[]
  : T extends object ? { [K in keyof T]: Json<T[K]> } : T;
type Some<T> = T extends unknown[] ? T : T extends object ? { [K in keyof T]?: Some<T[K]> } : T;
"""
PANELS = {"heatmap": "Heatmap", "timeseries": "TimeSeries", "table": "Table"}
CONFIG = {"strict": True, "noEmit": True, "skipLibCheck": True, "module": "esnext", "moduleResolution": "node",
          "target": "es2020", "types": []}


def installed():
    """The folder with the compiler and all schemas."""
    if not shutil.which("node"):
        raise Skip("no node: Grafana's schema is TypeScript")
    if CACHE.exists():
        return CACHE
    if not shutil.which("npm"):
        raise Skip("no npm: Grafana's schema is a package of it")
    CACHE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE.parent) as temporary:
        made = Path(temporary, "made")
        made.mkdir()
        (made / "package.json").write_text("{}")
        wanted = [f"typescript@{TYPESCRIPT}", *(f"schema-{v}@npm:@grafana/schema@{v}" for v in SCHEMAS)]
        done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", *wanted],
                              cwd=made, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            raise Skip(f"npm cannot install Grafana's schema: {(done.stderr or done.stdout).strip()[-300:]}")
        os.rename(made, CACHE)
    return CACHE


def types(number, path):
    """One dashboard as TypeScript."""
    model = json.loads(path.read_text(encoding="utf-8"))
    lines = ['import type { Dashboard } from "@grafana/schema";']
    for panel, name in PANELS.items():
        more = "" if panel == "heatmap" else f", FieldConfig as {name}Field"
        lines.append(f"import type {{ Options as {name}{more} }} from "
                     f'"@grafana/schema/dist/esm/raw/composable/{panel}/panelcfg/x/{name}PanelCfg_types.gen";')
    lines += [PROLOGUE, f"export const page{number}: Json<Dashboard> = {json.dumps(model)};"]
    for panel in model["panels"]:
        name = PANELS.get(panel["type"])
        if not name:
            continue
        lines.append(f"export const options{panel['id']}: Json<Some<{name}>> = {json.dumps(panel['options'])};")
        custom = panel.get("fieldConfig", {}).get("defaults", {}).get("custom")
        if custom:
            lines.append(f"export const custom{panel['id']}: Json<Some<{name}Field>> = {json.dumps(custom)};")
    return "\n".join(lines)


def check(paths):
    """Failure names what a schema does not know."""
    folder = installed()
    with tempfile.TemporaryDirectory(prefix="thermograf-schema-") as temporary:
        for number, path in enumerate(paths):
            Path(temporary, f"{path.stem}.ts").write_text(types(number, path), encoding="utf-8")
        for version in SCHEMAS:
            package = folder / "node_modules" / f"schema-{version}"
            config = {**CONFIG, "baseUrl": ".", "paths": {"@grafana/schema": [str(package)],
                                                          "@grafana/schema/*": [f"{package}/*"]}}
            Path(temporary, "tsconfig.json").write_text(json.dumps({"compilerOptions": config, "include": ["*.ts"]}))
            done = subprocess.run([folder / "node_modules" / ".bin" / "tsc", "-p", "."], cwd=temporary,
                                  capture_output=True, text=True, check=False, timeout=120)
            if done.returncode:
                # A message repeats the whole type.
                told = "\n".join(line[:300] for line in (done.stdout or done.stderr).splitlines()[:20])
                raise Failure(f"Grafana {version}: {told}")
