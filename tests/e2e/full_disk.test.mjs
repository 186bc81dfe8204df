// SPDX-License-Identifier: Apache-2.0
// The disk under the SQLite store fills up: nothing is sent, the answer is 503, and when there is room again the same
// payments settle. On a tmpfs of its own, which only root may mount.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { chainView } from "../interop/lib/chain.mjs";
import { startDevnet } from "../interop/lib/devnet.mjs";
import { toml } from "../interop/lib/farthing.mjs";
import { runToEnd } from "../interop/lib/processes.mjs";
import { metric, settle, signPayment, startFacilitator } from "./lib/facilitator.mjs";

const AMOUNT = 1_000n;
const DISK = "16m"; // the write-ahead log takes 4 MiB before it is folded up

const command = (name, ...args) => runToEnd({ name, command: name, args });

/// Returns `{folder, remove()}`, or why there is none.
async function makeDisk() {
  const folder = await mkdtemp(join(tmpdir(), "farthing-disk-"));
  const mounted = await command("mount", "-t", "tmpfs", "-o", `size=${DISK},mode=700`, "tmpfs", folder).catch(String);
  if (mounted.code !== 0) {
    await rm(folder, { recursive: true });
    return { reason: `no tmpfs can be mounted here: ${mounted.stderr ?? mounted}` };
  }
  const remove = async () => {
    const { code, stderr } = await command("umount", folder);
    assert.equal(code, 0, stderr);
    await rm(folder, { recursive: true });
  };
  return { folder, remove };
}

/// Writes until nothing more fits.
async function fillUp(file) {
  for (let size = 1 << 20; size > 0; size = size >> 1) {
    let part = 0;
    while (await writeFile(`${file}.${size}.${part++}`, Buffer.alloc(size)).then(() => true, () => false)) {
      assert.ok(part < 100, "the disk is a small one");
    }
  }
}

const disk = await makeDisk();

test("a full disk: nothing is sent, 503, and it settles once there is room", { skip: disk.reason }, async () => {
  const devnet = await startDevnet();
  let facilitator;
  try {
    const chain = chainView(devnet.rpc, devnet.accounts[1].key);
    const newPayment = async () => {
      const payer = await chain.freshPayer(10n * AMOUNT);
      const payTo = chain.freshAddress();
      const payment = await signPayment({ key: payer.key, payTo, amount: AMOUNT });
      return { ...payment, received: () => chain.balanceOf(payTo) };
    };
    facilitator = await startFacilitator(devnet, {
      top: `store = ${toml(join(disk.folder, "store.db"))}\nshutdown_grace = "2s"`,
    });
    const before = await newPayment();
    assert.equal((await settle(facilitator, before)).success, true);
    const sent = () => metric(facilitator, "farthing_settlement_transactions_sent_total");
    assert.equal(await sent(), 1);

    await fillUp(join(disk.folder, "ballast"));
    const payments = [];
    for (let i = 0; i < 20; i++) payments.push(await newPayment());
    const answers = [];
    for (const each of payments) answers.push(await settle(facilitator, each));
    // What is free in the write-ahead log may take some; from the first that it does not take, none.
    const firstRefused = answers.findIndex(({ success }) => !success);
    assert.notEqual(firstRefused, -1, "the disk was full");
    const refused = answers.slice(firstRefused);
    for (const answer of refused) {
      assert.equal(answer.status, 503, JSON.stringify(answer));
      assert.equal(answer.success, false, JSON.stringify(answer));
    }
    assert.equal(await sent(), 1 + firstRefused);
    for (const each of payments.slice(firstRefused)) assert.equal(await each.received(), 0n);
    assert.match(facilitator.stderr(), /"event":"store_failed"/);

    const cleared = await command("find", disk.folder, "-name", "ballast*", "-delete");
    assert.equal(cleared.code, 0, cleared.stderr);
    for (const each of payments.slice(firstRefused)) {
      const answer = await settle(facilitator, each);
      assert.equal(answer.success, true, JSON.stringify(answer));
    }
    for (const each of payments) assert.equal(await each.received(), AMOUNT);
    assert.equal(await sent(), 1 + payments.length);
  } finally {
    await facilitator?.stop().finally(devnet.stop).finally(disk.remove);
  }
});
