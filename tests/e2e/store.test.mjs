// SPDX-License-Identifier: Apache-2.0
// A facilitator whose payments are kept in a real PostgreSQL: killed, and cut off from its database.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { chainView } from "../interop/lib/chain.mjs";
import { craftPayload, requirements } from "../interop/lib/craft.mjs";
import { startDevnet } from "../interop/lib/devnet.mjs";
import { farthingBinary, networkTable, startRole, toml } from "../interop/lib/farthing.mjs";
import { runToEnd } from "../interop/lib/processes.mjs";
import { startPostgres } from "./lib/postgres.mjs";
import { until } from "./lib/wait.mjs";

const PRICE = 1000n;
let devnet;
let chain;
let postgres;
let facilitator;

before(async () => {
  devnet = await startDevnet();
  chain = chainView(devnet.rpc, devnet.accounts[1].key);
  postgres = await startPostgres();
});
after(async () => {
  await postgres?.close();
  await devnet.stop();
});

const start = () =>
  startRole(
    "facilitator",
    `listen = "127.0.0.1:0"\nstore = ${toml(postgres.address)}\n${networkTable("network", devnet.rpc)}poll_interval = "20ms"\n`,
    { FARTHING_FACILITATOR_KEY: devnet.accounts[0].key },
  );
beforeEach(async () => {
  facilitator = await start();
});
afterEach(async () => {
  facilitator.signal("SIGKILL");
  await facilitator.gone();
});

async function newPayment() {
  const payTo = chain.freshAddress();
  const accepted = { ...requirements(payTo), amount: String(PRICE) };
  const payer = await chain.freshPayer(10n * PRICE);
  const payload = await craftPayload({ key: payer.key, payTo, accepted, authorization: { value: accepted.amount } });
  return { payload, accepted, paid: () => chain.balanceOf(payTo) };
}
async function settle({ payload, accepted }) {
  const body = JSON.stringify({ x402Version: 2, paymentPayload: payload, paymentRequirements: accepted });
  return (await fetch(`${facilitator.url}/settle`, { method: "POST", body })).json();
}
const store = (...args) =>
  runToEnd({ name: "store", command: farthingBinary(), args: ["store", ...args] });

describe("a facilitator on PostgreSQL", () => {
  test("settles, and `farthing store` shows what it kept", async () => {
    const payment = await newPayment();
    const { success, transaction } = await settle(payment);
    assert.equal(success, true);
    const shown = await store("export", postgres.address);
    assert.equal(shown.code, 0, shown.stderr);
    const rows = shown.stdout.trim().split("\n").map((line) => JSON.parse(line));
    const row = rows.find((each) => each.transaction === transaction);
    assert.equal(row.state, "settled");
    assert.equal(row.told, true);
    assert.equal(row.broadcasts[0].transaction, transaction);
    const checked = await store("check", postgres.address);
    assert.match(checked.stdout, /^good: version \d+, 0 open, [1-9]\d* settled \(0 of them unheard\), 0 failed\n$/);
    const kept = await store("compact", postgres.address, "--keep-days", "1");
    assert.equal(kept.stdout, "0 ended payments removed\n");
    postgres.sql("UPDATE intents SET ended_at = ended_at - 2 * 86400");
    const removed = await store("compact", postgres.address, "--keep-days", "1");
    assert.equal(removed.stdout, `${rows.length} ended payments removed\n`);
    assert.equal(postgres.sql("SELECT COUNT(*) FROM broadcasts"), "0");
  });

  test("without its database it settles nothing; when that is back, it goes on without a restart", async () => {
    await postgres.stop("SIGQUIT");
    const payment = await newPayment();
    try {
      const refused = await settle(payment);
      assert.notEqual(refused.success, true);
      assert.equal(await payment.paid(), 0n, "nothing is sent that is not written down");
    } finally {
      await postgres.start();
    }
    let answer;
    await until("it settles again", async () => {
      answer = await settle(payment);
      return answer.success === true;
    });
    assert.equal(await payment.paid(), PRICE);
  });

  test("killed, the next one finds what it kept: a payment is not made twice", async () => {
    const payment = await newPayment();
    assert.equal((await settle(payment)).success, true);
    facilitator.signal("SIGKILL");
    await facilitator.gone();
    facilitator = await start();
    const again = await settle(payment);
    assert.equal(again.errorReason, "invalid_exact_evm_nonce_already_used");
    assert.equal(await payment.paid(), PRICE);
  });

  test("an address with a password is refused, and the password is not repeated", async () => {
    const { code, stdout, stderr } = await store("check", "postgresql://me:s3cret@localhost/x");
    assert.equal(code, 2);
    assert.match(stderr, /PGPASSFILE/);
    assert.doesNotMatch(stdout + stderr, /s3cret/);
  });
});
