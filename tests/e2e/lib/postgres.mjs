// SPDX-License-Identifier: Apache-2.0
// A PostgreSQL server of a test's own: in a temporary folder, on a socket in it, stopped by its process id.

import { spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./wait.mjs";

const INSTALLED = "/usr/lib/postgresql";

/// Debian keeps them out of the PATH.
function program(name) {
  const versions = existsSync(INSTALLED) ? readdirSync(INSTALLED) : [];
  return versions.map((each) => join(INSTALLED, each, "bin", name)).find(existsSync) ?? name;
}

const idOf = (option) => Number(spawnSync("id", [option, "nobody"], { encoding: "utf8" }).stdout);

/// The server refuses to run as root, and ends with us.
function command(name, args) {
  const other = process.getuid() === 0 ? ["--reuid", "nobody", "--regid", "nogroup", "--clear-groups"] : [];
  return ["setpriv", ["--pdeathsig", "KILL", ...other, program(name), ...args]];
}

/// Returns `{address, stop(signal), start(), sql(text), close()}`; `address` is what `store` in a configuration takes.
/// SIGQUIT is as if the machine had lost its power, SIGINT an orderly end.
export async function startPostgres() {
  const folder = await mkdtemp(join(tmpdir(), "farthing-postgres-"));
  if (process.getuid() === 0) chownSync(folder, idOf("-u"), idOf("-g"));
  const data = join(folder, "data");
  const init = ["-D", data, "-A", "trust", "-U", "farthing", "-E", "UTF8", "--locale=C", "--no-sync"];
  const made = spawnSync(...command("initdb", init), { encoding: "utf8" });
  if (made.status !== 0) throw new Error(`initdb: ${made.error ?? made.stderr}`);

  const client = ["-h", folder, "-U", "farthing", "-d", "postgres"];
  const isReady = () => spawnSync(program("pg_isready"), client).status === 0;
  const settings = ["listen_addresses=", "log_min_messages=panic"].flatMap((each) => ["-c", each]);
  let server;
  let ended;
  const self = {
    address: `postgresql:///postgres?user=farthing&host=${folder}`,
    async start() {
      server = spawn(...command("postgres", ["-D", data, "-k", folder, ...settings]), { stdio: "ignore" });
      ended = new Promise((resolve) => server.once("exit", resolve));
      await until("postgres takes connections", isReady);
    },
    async stop(signal = "SIGINT") {
      server.kill(signal);
      await ended;
    },
    /// The rows, as lines of columns divided by `|`.
    sql(text) {
      const asked = spawnSync(program("psql"), [...client, "-AtX", "-c", text], { encoding: "utf8" });
      if (asked.status !== 0) throw new Error(asked.stderr);
      return asked.stdout.trim();
    },
    async close() {
      await self.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await self.start();
  return self;
}
