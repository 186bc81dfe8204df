// SPDX-License-Identifier: Apache-2.0
// Starts child processes, waits for the line that says they are ready, and stops them by pid.

import { spawn } from "node:child_process";

const READY_DEADLINE_MS = 20_000;
const STOP_DEADLINE_MS = 10_000;
const OUTPUT_LIMIT = 256 * 1024;

const running = new Set();

// A test file that is interrupted must not leave a chain or a server behind.
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

/// Collects what a stream says, the newest OUTPUT_LIMIT characters of it, and hands over whole lines.
function capture(stream, onLine) {
  const state = { text: "", pending: "" };
  stream.setEncoding("utf8");
  stream.on("data", (chunk) => {
    state.text = (state.text + chunk).slice(-OUTPUT_LIMIT);
    state.pending += chunk;
    const lines = state.pending.split("\n");
    state.pending = lines.pop();
    for (const line of lines) onLine?.(line);
  });
  return state;
}

/// Runs `command args` until `ready(line)` returns something for a line of its stdout.
/// Returns `{pid, ready, output(), stderr(), signal(name), ended, stop()}`; `stop()` sends SIGTERM and returns
/// `{code, signal}`, which is also what the promise `ended` gives.
export async function startProcess({ name, command, args, env, cwd, ready }) {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  const exited = new Promise((resolve) => {
    child.once("error", (error) => resolve({ error }));
    child.once("close", (code, signal) => resolve({ code, signal }));
  }).finally(() => running.delete(child));

  let onReady;
  const becameReady = new Promise((resolve) => (onReady = resolve));
  const stdout = capture(child.stdout, (line) => {
    const value = ready(line);
    if (value !== undefined) onReady({ value });
  });
  const stderr = capture(child.stderr);
  const output = () => `--- ${name} stdout\n${stdout.text}--- ${name} stderr\n${stderr.text}`;

  const stop = async () => {
    child.kill("SIGTERM");
    const end = await withDeadline(exited, STOP_DEADLINE_MS);
    if (end !== undefined) return end;
    child.kill("SIGKILL");
    await exited;
    throw new Error(`${name} did not end within ${STOP_DEADLINE_MS} ms of SIGTERM\n${output()}`);
  };

  const first = await withDeadline(Promise.race([becameReady, exited]), READY_DEADLINE_MS);
  if (first?.value !== undefined) {
    return {
      name,
      pid: child.pid,
      ready: first.value,
      output,
      stderr: () => stderr.text,
      signal: (which) => child.kill(which),
      ended: exited,
      stop,
    };
  }
  if (first === undefined) await stop();
  const why = first?.error?.message ?? (first ? `ended with ${first.code ?? first.signal}` : "not ready in time");
  throw new Error(`${name} did not start: ${why}\n${output()}`);
}

/// Runs `command args` to its end, with `input` on its stdin when given. A member of `env` that is undefined is not
/// passed on. Returns `{code, signal, stdout, stderr}`. `onStart(child)` sees the running child.
export async function runToEnd({ name, command, args, env, cwd, input, onStart, deadlineMs = 30_000 }) {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  running.add(child);
  if (input !== undefined) {
    child.stdin.on("error", () => {}); // it may end without reading
    child.stdin.end(input);
  }
  onStart?.(child);
  const stdout = capture(child.stdout);
  const stderr = capture(child.stderr);
  const exited = new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
  }).finally(() => running.delete(child));
  const end = await withDeadline(exited, deadlineMs);
  if (end !== undefined) return { ...end, stdout: stdout.text, stderr: stderr.text };
  child.kill("SIGKILL");
  await exited;
  throw new Error(`${name} did not end within ${deadlineMs} ms\n${stdout.text}\n${stderr.text}`);
}

/// The value of `promise`, or undefined when the deadline passes first.
export async function withDeadline(promise, ms) {
  let timer;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, ms)));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
