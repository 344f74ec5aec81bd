# SPDX-License-Identifier: Apache-2.0
"""The distribution's Prometheus, unpacked below build/ and never installed: it scrapes one address every second, or
holds what was put into it before."""

import json
import subprocess
from collections import defaultdict

import store


class Prometheus(store.Store):
    """
    Answers PromQL; nothing can be pushed to it.

    target: host:port that has /metrics; None: it scrapes nobody.
    """

    PACKAGE = "prometheus"
    PROGRAM = "usr/bin/prometheus"
    TITLE = "Prometheus"
    READY = "/-/ready"

    CONFIG = """global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: telegraf
    static_configs:
      - targets: ["{target}"]
"""

    def __init__(self, target=None):
        super().__init__(store.of(type(self)))
        self.target = target

    def command(self):
        config = self.folder / "prometheus.yml"
        config.write_text(self.CONFIG.format(target=self.target) if self.target else "")
        return [self.program, f"--config.file={config}", f"--storage.tsdb.path={self.folder}/data",
                f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"]

    def query(self, text, at_s):
        return query(self, text, at_s)

    def fill(self, points):
        """Before it starts: each field of these points [(measurement, tags, fields, time_ns)] as a sample at its time."""
        families = defaultdict(list)
        for measurement, tags, fields, stamp in points:
            labels = ",".join(f'{key}="{value}"' for key, value in sorted(tags.items()))
            for field, value in fields.items():
                families[f"{measurement}_{field}"].append((labels, stamp, value))
        text = self.folder / "openmetrics"
        with open(text, "w", encoding="utf-8") as file:
            for name, samples in sorted(families.items()):
                file.write(f"# TYPE {name} unknown\n")
                file.writelines(f"{name}{{{labels}}} {value} {stamp / store.NS:.3f}\n"
                                for labels, stamp, value in sorted(samples))
            file.write("# EOF\n")
        subprocess.run([self.program.with_name("promtool"), "tsdb", "create-blocks-from", "openmetrics", text,
                        self.folder / "data"], check=True, capture_output=True)


def query(db, text, at_s):
    """[(labels, value)] of an instant query to Prometheus or VictoriaMetrics."""
    # nocache: VictoriaMetrics keeps answers, and what is written later into the past would not be seen.
    answer = json.loads(db._get("/api/v1/query", query=text, time=f"{at_s:.3f}", nocache=1))
    return [(found["metric"], float(found["value"][1])) for found in answer["data"]["result"]]


def query_range(db, text, start_s, end_s, step_s):
    """[(labels, [(time_s, value)])] of a query at start, start + step, ... end."""
    answer = json.loads(db._get("/api/v1/query_range", query=text, start=start_s, end=end_s, step=step_s, nocache=1))
    return [(found["metric"], [(int(at), float(value)) for at, value in found["values"]])
            for found in answer["data"]["result"]]


def label_values(db, label, selector):
    """The values of a label on the series of a selector, sorted."""
    return sorted(json.loads(db._get(f"/api/v1/label/{label}/values", **{"match[]": selector}))["data"])
