// SPDX-License-Identifier: Apache-2.0
// Measures every row and prints the table. Rows named on the command line are measured alone and not written to
// results.md.

import { writeFile } from "node:fs/promises";
import { here, removeFolder, withStack } from "./harness.mjs";
import { machine, markdown } from "./markdown.mjs";
import { daemon } from "./rows/daemon.mjs";
import { gas } from "./rows/gas.mjs";
import { growth } from "./rows/growth.mjs";
import { micro } from "./rows/micro.mjs";
import { memory, paid } from "./rows/paid.mjs";
import { start } from "./rows/start.mjs";
import { rows, store } from "./rows/store.mjs";
import { unpaid } from "./rows/unpaid.mjs";
import { verify } from "./rows/verify.mjs";
import { startChain } from "./stacks.mjs";

// The rows that leave the chain as it was share one.
const ON_ONE_CHAIN = { unpaid, verify, start };
const ALONE = { micro, paid, gas, store, daemon, growth, rows, memory };
const ORDER = ["unpaid", "verify", "paid", "micro", "start", "gas", "store", "daemon", "growth", "rows", "memory"];
/// Take many minutes: only by their names.
const ONLY_NAMED = ["rows", "memory"];

const chosen = process.argv.slice(2);
const wanted = (name) => (chosen.length === 0 ? !ONLY_NAMED.includes(name) : chosen.includes(name));

async function measured() {
  const unknown = chosen.find((name) => !ORDER.includes(name));
  if (unknown) throw new Error(`no row is called ${unknown}: there are ${ORDER.join(", ")}`);
  const results = {};
  const run = async (name, row, chain) => {
    if (!wanted(name)) return;
    const began = performance.now();
    results[name] = await row(chain);
    console.error(`bench: ${name} took ${((performance.now() - began) / 1000).toFixed(0)} s`);
  };
  if (Object.keys(ON_ONE_CHAIN).some(wanted)) {
    await withStack(async (stack) => {
      const chain = stack.add(await startChain());
      for (const [name, row] of Object.entries(ON_ONE_CHAIN)) await run(name, row, chain);
    });
  }
  for (const [name, row] of Object.entries(ALONE)) await run(name, row);
  return results;
}

try {
  const before = machine();
  const text = markdown(await measured(), before);
  console.log(text);
  if (chosen.length === 0) await writeFile(here("results.md"), text);
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
} finally {
  await removeFolder();
}
