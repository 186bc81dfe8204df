// SPDX-License-Identifier: Apache-2.0
// Where the time of a process goes while it is under load: perf's samples, by library and by function.

import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { startProcess } from "../tests/interop/lib/processes.mjs";
import { saved } from "./harness.mjs";

const SECONDS = 3;
const FUNCTIONS = 8;
const REPORT_BYTES_MAX = 64 << 20;
const FREQUENCY = "997"; // not in step with any timer

const havePerf = spawnSync("perf", ["stat", "-e", "cpu-clock", "true"]).status === 0;

async function shares(file, by) {
  const args = ["report", "-i", file, "--stdio", "--no-children", "-g", "none", "--sort", by, "-t", "|"];
  const { stdout } = await promisify(execFile)("perf", args, { maxBuffer: REPORT_BYTES_MAX });
  const lines = stdout.split("\n").map((line) => line.match(/^\s*([\d.]+)%\s*\|(.*)$/));
  return lines
    .filter(Boolean)
    .map(([, percent, rest]) => ({ percent: Number(percent), columns: rest.split("|").map((each) => each.trim()) }))
    .sort((a, b) => b.percent - a.percent);
}

/// The kernel counts as one function, and so does a library without symbols.
function byFunction(samples) {
  const functions = new Map();
  for (const { percent, columns } of samples) {
    const [symbol, library] = columns;
    const name = library.startsWith("[kernel")
      ? "(system calls)"
      : /^\[.\] 0x/.test(symbol)
        ? "(no symbols)"
        : symbol.replace(/^\[.\] /, "");
    const key = `${name} ${library}`;
    const sum = functions.get(key)?.percent ?? 0;
    functions.set(key, { percent: sum + percent, symbol: name, library });
  }
  return [...functions.values()].sort((a, b) => b.percent - a.percent);
}

/// Samples `process` while `load(seconds)` runs: `{libraries, functions}`, or nothing where perf does not run.
export async function profiled(process, load) {
  if (!havePerf) return undefined;
  const file = await saved("perf.data", "");
  const args = ["record", "-e", "cpu-clock", "-F", FREQUENCY, "-p", String(process.pid), "-o", file];
  const recording = await startProcess({
    name: "perf record",
    command: "sh",
    args: ["-c", 'echo recording; exec perf "$@"', "sh", ...args],
    ready: (line) => line === "recording" || undefined,
  });
  try {
    await load(SECONDS);
  } finally {
    await recording.stop();
  }
  const libraries = (await shares(file, "dso")).map(({ percent, columns: [library] }) => ({ percent, library }));
  return { libraries, functions: byFunction(await shares(file, "symbol,dso")).slice(0, FUNCTIONS) };
}
