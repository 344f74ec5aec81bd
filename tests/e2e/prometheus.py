# SPDX-License-Identifier: Apache-2.0
"""The distribution's Prometheus, unpacked below build/ and never installed: it scrapes one address every second."""

import json

import store


class Prometheus(store.Store):
    """Answers PromQL; nothing can be pushed to it."""

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

    def __init__(self, target):
        """@param target  host:port that has /metrics"""
        super().__init__(store.of(type(self)))
        self.target = target

    def command(self):
        config = self.folder / "prometheus.yml"
        config.write_text(self.CONFIG.format(target=self.target))
        return [self.program, f"--config.file={config}", f"--storage.tsdb.path={self.folder}/data",
                f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"]

    def query(self, text, at_s):
        return query(self, text, at_s)


def query(db, text, at_s):
    """[(labels, value)] of an instant query to Prometheus or VictoriaMetrics."""
    # nocache: VictoriaMetrics keeps answers, and what is written later into the past would not be seen.
    answer = json.loads(db._get("/api/v1/query", query=text, time=f"{at_s:.3f}", nocache=1))
    return [(found["metric"], float(found["value"][1])) for found in answer["data"]["result"]]
