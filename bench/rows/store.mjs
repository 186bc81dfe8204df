// SPDX-License-Identifier: Apache-2.0
// Row 7: what a store writes in a second, SQLite and PostgreSQL, with ever more callers at once. And, named alone
// (`./run bench rows`), how that changes with what is in the store already.

import { mkdtemp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { startPostgres } from "../../tests/e2e/lib/postgres.mjs";
import { FARTHING, program, runPinned } from "../harness.mjs";

const AT_ONCE = [1, 16, 64, 256];
const SIZES = [1_000, 10_000, 100_000, 1_000_000];
/// So many need some GB and minutes: only when asked for. Each is made smaller than a real one.
const MOST = Number(process.env.FARTHING_BENCH_ROWS ?? SIZES.at(-1));
const SMALL_BODY = 64;

async function measure(store, options) {
  const args = [store, ...Object.entries(options).map(([name, value]) => `--${name}=${value}`)];
  return runPinned({ name: "bench_store", command: program("bench_store"), args, deadlineMs: 1_500_000 });
}

/// Calls `run(store)` with an empty store; the files are beside the program, on a disk.
async function onSqlite(run) {
  const folder = await mkdtemp(join(dirname(FARTHING), "bench-store-"));
  try {
    return await run(join(folder, "store.db"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function onPostgres(run) {
  const server = await startPostgres();
  try {
    return await run(server.address);
  } finally {
    await server.close();
  }
}

const KINDS = { SQLite: onSqlite, PostgreSQL: onPostgres };

export async function store() {
  const rows = [];
  for (const [kind, on] of Object.entries(KINDS)) {
    for (const atOnce of AT_ONCE) {
      const result = await on((place) => measure(place, { "at-once": atOnce, seconds: 1 }));
      rows.push({ kind, atOnce, ...result });
    }
  }
  return rows;
}

export async function rows() {
  const sizes = MOST > SIZES.at(-1) ? [...SIZES, MOST] : SIZES.filter((size) => size <= MOST);
  const out = [];
  for (const [kind, on] of Object.entries(KINDS)) {
    for (const size of sizes) {
      const options = { "at-once": 64, seconds: 3, rows: size, open: 100 };
      if (size > SIZES.at(-1)) options.body = SMALL_BODY;
      const compact = size <= SIZES.at(-1) ? { compact: true } : {};
      out.push({ kind, size, ...(await on((place) => measure(place, { ...options, ...compact }))) });
    }
  }
  return out;
}
