// SPDX-License-Identifier: Apache-2.0
// `farthing devnet` from anywhere: the chain program it needs is found in the source tree the binary was built in.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { farthingBinary } from "../interop/lib/farthing.mjs";
import { startProcess } from "../interop/lib/processes.mjs";
import { makeFolder } from "./lib/files.mjs";

let folder;
before(async () => {
  folder = await makeFolder();
});
after(() => folder?.remove());

test("from another folder, with no anvil in PATH, it starts", async () => {
  const child = await startProcess({
    name: "farthing devnet",
    command: farthingBinary(),
    args: ["devnet", "--port", "0", "--json"],
    cwd: folder.path("."),
    env: { PATH: folder.path(".") },
    ready: (line) => line.includes("devnet_ready") || undefined,
  });
  const { code } = await child.stop();
  assert.equal(code, 0, child.output());
});
