// SPDX-License-Identifier: Apache-2.0
// What the system knows of a process: its children, whether it is there, its memory. And a chain that can be stopped
// like a machine that hangs.

import { readdirSync, readFileSync } from "node:fs";
import { until } from "./wait.mjs";

/// `/proc/PID/stat` after the program's name: state, parent, …
function stat(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

/// Whether the process runs; one that has ended and was not collected does not.
export const isRunning = (pid) => {
  const state = stat(pid)?.[0];
  return state !== undefined && state !== "Z" && state !== "X";
};

/// The direct children of a process, as pids.
export const childrenOf = (pid) =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((each) => stat(each)?.[1] === String(pid));

/// All descendants of a process.
export function familyOf(pid) {
  const children = childrenOf(pid);
  return [...children, ...children.flatMap(familyOf)];
}

/// Peak resident memory in bytes.
export function peakMemory(pid) {
  const kilobytes = readFileSync(`/proc/${pid}/status`, "utf8").match(/^VmHWM:\s+(\d+) kB$/m)[1];
  return Number(kilobytes) * 1024;
}

const frozen = new Set();
// What stays stopped cannot end either.
process.on("exit", () => frozen.forEach((pid) => process.kill(pid, "SIGCONT")));

/// Stops a process where it is, as a machine that hangs would; connections to it are still taken by the system.
export async function freeze(pid) {
  frozen.add(pid);
  process.kill(pid, "SIGSTOP");
  await until(`process ${pid} stops`, () => stat(pid)?.[0] === "T");
}

export function thaw(pid) {
  process.kill(pid, "SIGCONT");
  frozen.delete(pid);
}

/// The processes whose environment holds `NAME=value`: everything that came from one start, wherever it hangs now.
export const processesWith = (name, value) =>
  readdirSync("/proc")
    .filter((each) => /^\d+$/.test(each))
    .map(Number)
    .filter((pid) => isRunning(pid) && environment(pid).includes(`${name}=${value}`));

function environment(pid) {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return [];
  }
}
