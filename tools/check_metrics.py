#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every metric and every warning or error event of the code has its place in docs/operations.md, and the other way round.

One line for each that is missing; exit code 1 if any.
"""

import pathlib
import re
import sys

import tree

ROOT = pathlib.Path(__file__).resolve().parent.parent
MANUAL = "docs/operations.md"
METRIC = re.compile(r"\bfarthing_[a-z0-9_]+")
# What the text format adds to the name of a histogram.
SUFFIX = re.compile(r"_(?:bucket|sum|count)$")
EVENT = re.compile(r"\blog_?(?:\.|->)(?:warn|error)\(([^;]*)")
WORD = re.compile(r'"([a-z][a-z0-9_]*)"')


def metrics_in(source):
    """Names given to counter(), gauge() or histogram(): whole string literals."""
    return {name for name in re.findall(r'"(farthing_[a-z0-9_]+)"', source)}


def events_in(source):
    """First arguments of log.warn() and log.error(), both arms of a choice."""
    names = set()
    for call in EVENT.findall(source):
        first = call.split(",")[0]
        names.update(WORD.findall(first))
    return names


def metrics_of(manual):
    return {SUFFIX.sub("", name) for name in METRIC.findall(manual)}


def compare(sources, manual):
    """Findings, as text."""
    metrics = set().union(*(metrics_in(each) for each in sources))
    events = set().union(*(events_in(each) for each in sources))
    told = metrics_of(manual)
    words = set(re.findall(r"\b[a-z][a-z0-9_]*\b", manual))
    findings = [f"{MANUAL}: the metric {name} is missing" for name in sorted(metrics - told)]
    findings += [f"{MANUAL}: no code has the metric {name}" for name in sorted(told - metrics)]
    findings += [f"{MANUAL}: the event {name} is missing" for name in sorted(events - words)]
    return findings


def main():
    files = [path for path in tree.tracked(ROOT, "*.cpp", "*.hpp")
             if path.startswith(("farthing/", "app/")) and not path.startswith("farthing/testing/")
             and not path.endswith("_test.cpp")]
    findings = compare([(ROOT / path).read_text() for path in files], (ROOT / MANUAL).read_text())
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
