// SPDX-License-Identifier: Apache-2.0
// Starts what is measured on its own core, and reads what the kernel says about it. Everything else (load generators,
// chain, origin, this program) inherits the other cores from run.sh.

import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { runToEnd, startProcess } from "../tests/interop/lib/processes.mjs";

const CLOCK_TICKS = 100; // per second, in /proc/PID/stat; the same on every Linux
const MEASURED_CORE = process.env.FARTHING_BENCH_CORE ?? "0";

export const FARTHING = resolve(process.env.FARTHING_BIN);
const PROGRAMS = dirname(FARTHING);
export const here = (path) => fileURLToPath(new URL(path, import.meta.url));
export const program = (name) => join(PROGRAMS, name);

/// Everything this run writes, gone at its end.
export const folder = await mkdtemp(join(tmpdir(), "farthing-bench-"));
export const removeFolder = () => rm(folder, { recursive: true, force: true });
let files = 0;

export async function saved(name, text) {
  const file = join(folder, `${++files}-${name}`);
  await writeFile(file, text);
  return file;
}

// The child's stderr goes to a file: a pipe would have us read its log on the load generator's core.
const SHELL = 'log=$1; core=$2; shift 2; if [ -n "$core" ]; then exec taskset -c "$core" "$@" 2>"$log"; fi; exec "$@" 2>"$log"';

/// `core` is "" for the cores of everything else. Returns `{pid, ready, stop()}`; an end by itself shows at `stop`.
async function start({ name, core, command, args, env, ready }) {
  const log = await saved(`${name.replace(/\W+/g, "-")}.log`, "");
  const tail = () => readFileSync(log, "utf8").slice(-2000);
  const child = await startProcess({
    name,
    command: "sh",
    args: ["-c", SHELL, "sh", log, core, command, ...args],
    env,
    ready,
  }).catch((error) => {
    throw new Error(`${error.message}\n${tail()}`);
  });
  const stop = async () => {
    const { code, signal } = await child.stop();
    if (code !== 0) throw new Error(`${name} ended with ${code ?? signal}\n${tail()}`);
  };
  return { name, pid: child.pid, ready: child.ready, stop, log: tail };
}

const onMeasuredCore = (options) => start({ ...options, core: MEASURED_CORE });
export const beside = (options) => start({ ...options, core: "" });

function listening(line) {
  if (!line.startsWith("{")) return undefined;
  const event = JSON.parse(line);
  return event.event === "listening" ? event.url : undefined;
}

/// A role of ours with a configuration text.
export async function startFarthing(role, config, env) {
  const file = await saved(`${role}.toml`, config);
  const args = [role, "--config", file];
  const child = await onMeasuredCore({ name: `farthing ${role}`, command: FARTHING, args, env, ready: listening });
  return { ...child, url: child.ready };
}

/// The daemon of a wallet, on a loopback address.
export async function startFarthingWallet(wallet, env) {
  const args = ["wallet", "serve", "--wallet", wallet, "--listen", "127.0.0.1:0"];
  const onLoopback = (line) => (listening(line)?.startsWith("http") ? listening(line) : undefined);
  const child = await onMeasuredCore({ name: "farthing wallet serve", command: FARTHING, args, env, ready: onLoopback });
  return { ...child, url: child.ready };
}

/// A program of bench/peers.
export async function startPeer(name, args, env) {
  const command = process.execPath;
  const all = [here(`peers/${name}.mjs`), ...args];
  const child = await onMeasuredCore({ name: `reference ${name}`, command, args: all, env, ready: listening });
  return { ...child, url: child.ready };
}

/// nginx as one process. `server` is the inside of its server block; a port is free when nothing has it yet, so
/// another one is tried when it was taken in between.
export async function startNginx(name, server, { measured }) {
  const port = await freePort();
  const scratch = join(folder, `${name}-${++files}`);
  const config = `daemon off; master_process off; pid ${scratch}.pid; error_log stderr;
events { worker_connections 1024; }
http {
  access_log off; default_type application/json; keepalive_requests 100000000;
  client_body_temp_path ${scratch}.body; proxy_temp_path ${scratch}.proxy; fastcgi_temp_path ${scratch}.fastcgi;
  uwsgi_temp_path ${scratch}.uwsgi; scgi_temp_path ${scratch}.scgi;
  geo $dollar { default "$"; }
  server { listen 127.0.0.1:${port}; ${server} }
}
`;
  const file = await saved(`${name}.conf`, config);
  const url = `http://127.0.0.1:${port}`;
  const options = {
    name: `nginx ${name}`,
    command: "sh",
    args: ["-c", 'echo starting; exec nginx -c "$0"', file],
    ready: (line) => line === "starting" || undefined,
  };
  const child = await (measured ? onMeasuredCore(options) : beside(options));
  await untilAnswers(url);
  return { ...child, url };
}

async function freePort() {
  const { createServer } = await import("node:net");
  const server = createServer();
  await new Promise((done, failed) => server.once("error", failed).listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

async function untilAnswers(url) {
  const deadline = Date.now() + 10_000;
  for (;;) {
    try {
      return await fetch(url);
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((later) => setTimeout(later, 10));
    }
  }
}

function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS;
}

/// Runs `work` and adds how busy the processes were meanwhile, as a share of one core.
export async function withBusy(processes, work) {
  const used = () => processes.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0);
  const before = used();
  const began = performance.now();
  const result = await work();
  return { ...result, busy: (used() - before) / ((performance.now() - began) / 1000) };
}

function memoryOf({ pid }, name) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(status.match(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m"))[1]) / 1024;
}
/// The most memory a process ever had resident, and what it has now, in MiB.
export const peakMemory = (process) => memoryOf(process, "VmHWM");
export const residentMemory = (process) => memoryOf(process, "VmRSS");

/// Runs a program on the cores of everything else and parses the JSON on its last line.
export async function runForJson({ name, command, args, deadlineMs }) {
  const run = await runToEnd({ name, command, args, deadlineMs });
  if (run.code !== 0) throw new Error(`${name} ended with ${run.code ?? run.signal}\n${run.stdout}\n${run.stderr}`);
  return JSON.parse(run.stdout.trimEnd().split("\n").at(-1));
}

/// The same on the measured core.
export const runPinned = ({ command, args, ...rest }) =>
  runForJson({ command: "taskset", args: ["-c", MEASURED_CORE, command, ...args], ...rest });

/// Runs `run(stack)` where `stack.add(process)` says what to stop afterwards, last started first.
export async function withStack(run) {
  const started = [];
  const stack = {
    add(process) {
      started.push(process);
      return process;
    },
  };
  let result;
  try {
    result = await run(stack);
  } catch (error) {
    for (const each of started.reverse()) await Promise.resolve(each.stop()).catch(() => {});
    throw error;
  }
  for (const each of started.reverse()) await each.stop();
  return result;
}

export const readText = (file) => readFile(file, "utf8");
