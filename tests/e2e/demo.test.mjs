// SPDX-License-Identifier: Apache-2.0
// `./run demo`, the part after the build: what a newcomer sees, and that nothing is left behind however it ends.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, test } from "node:test";
import { farthingBinary } from "../interop/lib/farthing.mjs";
import { runToEnd } from "../interop/lib/processes.mjs";
import { makeFolder } from "./lib/files.mjs";
import { processesWith } from "./lib/proc.mjs";
import { until } from "./lib/wait.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MARK = "FARTHING_DEMO_RUN";

let folder;
beforeEach(async () => {
  folder = await makeFolder();
});
afterEach(() => folder?.remove());

/// Runs the demo with a mark in the environment of everything it starts, and a temporary folder of its own.
async function demo({ args = [], onStart, run = randomUUID() } = {}) {
  const ended = await runToEnd({
    name: "demo",
    command: "node",
    args: ["tools/demo.mjs", ...args],
    cwd: ROOT,
    env: { [MARK]: run, TMPDIR: folder.folder, FARTHING_BIN: farthingBinary(), NO_COLOR: "1" },
    deadlineMs: 60_000,
    onStart: (child) => onStart?.(child, run),
  });
  return { ...ended, left: processesWith(MARK, run) };
}

/// A process may end by itself between being listed and being told.
function interruptIfThere(pid) {
  try {
    process.kill(pid, "SIGINT");
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

function assertNothingLeft({ left, stdout, stderr }) {
  assert.deepEqual(left, [], `still running\n${stdout}\n${stderr}`);
  assert.deepEqual(readdirSync(folder.folder), [], "the temporary folder is empty");
}

describe("the demo", () => {
  test("tells its six steps, pays and delivers, and leaves nothing behind", async () => {
    const ended = await demo();
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    const steps = [...ended.stdout.matchAll(/^(\d)\. (.+) \(\d+ ms\)$/gm)].map(([, number, title]) => [Number(number), title]);
    assert.deepEqual(steps.map(([number]) => number), [1, 2, 3, 4, 5, 6]);
    for (const said of [
      /402 Payment Required/,
      /accepts\[0\] \$0\.001 USDC on eip155:84532.*: yes/,
      /signs an EIP-3009 authorisation/,
      /transaction +0x[0-9a-f]{64}/,
      /receipt +verified/,
      /"city":"Lisbon"/,
      /payer +\$1000\.000000 -> \$999\.999000/,
      /seller +\$1000\.000000 -> \$1000\.001000/,
      /\nPaid and delivered\.\n$/,
    ]) {
      assert.match(ended.stdout, said);
    }
    assertNothingLeft(ended);
  });

  /// Ends it once it has said `text`; `how(child)` does it.
  const after = (text, how) => (child) => {
    let said = "";
    child.stdout.on("data", (piece) => {
      if (said.includes(text)) return;
      said += piece;
      if (said.includes(text)) how(child);
    });
  };

  for (const step of ["1. A local chain", "2. An API", "4. What the agent decides"]) {
    test(`Ctrl-C after "${step}" leaves nothing running and no folder`, async () => {
      // A terminal sends it to everybody in the foreground, which a test does by telling each of them.
      const interrupt = (_child, run) => processesWith(MARK, run).forEach(interruptIfThere);
      const run = randomUUID();
      const ended = await demo({ run, onStart: after(step, (child) => interrupt(child, run)) });
      assert.notEqual(ended.code, 0);
      await until("everything has ended", () => processesWith(MARK, run).length === 0);
      assertNothingLeft({ ...ended, left: [] });
    });
  }

  test("SIGTERM to the script alone takes everything it started with it", async () => {
    const run = randomUUID();
    const ended = await demo({ run, onStart: after("2. An API", (child) => child.kill("SIGTERM")) });
    assert.notEqual(ended.code, 0);
    await until("everything has ended", () => processesWith(MARK, run).length === 0);
    assertNothingLeft({ ...ended, left: [] });
  });

  test("a part that cannot start is named, and the rest is stopped", async () => {
    const run = randomUUID();
    const ended = await runToEnd({
      name: "demo",
      command: "node",
      args: ["tools/demo.mjs"],
      cwd: ROOT,
      env: { [MARK]: run, TMPDIR: folder.folder, FARTHING_BIN: "/nowhere/farthing" },
    });
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /The demo failed: .*\/nowhere\/farthing/);
    assertNothingLeft({ ...ended, left: processesWith(MARK, run) });
  });
});
