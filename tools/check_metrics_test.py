# SPDX-License-Identifier: Apache-2.0
import unittest

import check_metrics

SOURCE = """
    total_(env.metrics.counter("farthing_things_total", "Things")),
    seconds_(env.metrics.histogram(
        "farthing_thing_seconds", "Time", {0.1})),
    env_.log.warn(low ? "gas_low" : "gas_empty", {{"key", key}});
    at.env_.log.error("broken", {});
    env_.log.info("fine", {});
"""
MANUAL = "`farthing_things_total` and farthing_thing_seconds_bucket; log `gas_low`, `gas_empty`, `broken`"


class CheckMetrics(unittest.TestCase):
    def test_agreement_is_silent(self):
        self.assertEqual(check_metrics.compare([SOURCE], MANUAL), [])

    def test_a_metric_that_nobody_explains(self):
        findings = check_metrics.compare([SOURCE], MANUAL.replace("farthing_things_total", ""))
        self.assertEqual(findings, ["docs/operations.md: the metric farthing_things_total is missing"])

    def test_a_metric_that_is_no_more(self):
        findings = check_metrics.compare([SOURCE.replace("thing_seconds", "other_seconds")], MANUAL)
        self.assertEqual(findings, ["docs/operations.md: the metric farthing_other_seconds is missing",
                                    "docs/operations.md: no code has the metric farthing_thing_seconds"])

    def test_an_event_that_nobody_explains(self):
        findings = check_metrics.compare([SOURCE], MANUAL.replace("gas_empty", ""))
        self.assertEqual(findings, ["docs/operations.md: the event gas_empty is missing"])


if __name__ == "__main__":
    unittest.main()
