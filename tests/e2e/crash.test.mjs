// SPDX-License-Identifier: Apache-2.0
// A facilitator is killed with SIGKILL in the midst of a settlement and started again on the same store: nothing is
// lost, nothing is paid twice, and a success is told once.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { chainView, NETWORK } from "../interop/lib/chain.mjs";
import { craftPayload, encodeHeader, requirements } from "../interop/lib/craft.mjs";
import { startDevnet } from "../interop/lib/devnet.mjs";
import { farthingBinary, networkTable, startRole, toml } from "../interop/lib/farthing.mjs";
import { runToEnd } from "../interop/lib/processes.mjs";
import { until } from "./lib/wait.mjs";

const PRICE = 1000n;
let devnet;
let chain;
let folder;
let running = [];

before(async () => {
  devnet = await startDevnet();
  chain = chainView(devnet.rpc, devnet.accounts[1].key);
});
after(() => devnet.stop());

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "farthing-crash-"));
  await rpc("evm_setAutomine", [true]);
});
afterEach(async () => {
  await rpc("evm_setAutomine", [true]);
  await mine();
  for (const role of running) {
    role.signal("SIGKILL");
    await role.gone();
  }
  running = [];
  await rm(folder, { recursive: true });
});

async function rpc(method, params = []) {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const answer = await fetch(devnet.rpc, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  const { result, error } = await answer.json();
  assert.equal(error, undefined, `${method}: ${JSON.stringify(error)}`);
  return result;
}
const mine = () => rpc("evm_mine");
const inPool = async () => Number((await rpc("txpool_status")).pending);

const env = () => ({ FARTHING_FACILITATOR_KEY: devnet.accounts[0].key });
const store = () => toml(join(folder, "store.db"));

async function start(role, config) {
  const started = await startRole(role, config, env());
  running.push(started);
  return started;
}
const startFacilitator = (patience = "1s") =>
  start(
    "facilitator",
    `listen = "127.0.0.1:0"\nstore = ${store()}\nsettle_timeout = "${patience}"\n${networkTable("network", devnet.rpc)}poll_interval = "20ms"\n`,
  );

async function kill(role) {
  role.signal("SIGKILL");
  await role.gone();
  running = running.filter((each) => each !== role);
}

/// A signed payment of one price, and what became of its money.
async function newPayment() {
  const payTo = chain.freshAddress();
  const accepted = { ...requirements(payTo), amount: String(PRICE) };
  const payer = await chain.freshPayer(10n * PRICE);
  const payload = await craftPayload({ key: payer.key, payTo, accepted, authorization: { value: accepted.amount } });
  return { payload, accepted, payTo, paid: () => chain.balanceOf(payTo) };
}

async function ask(facilitator, endpoint, { payload, accepted }, signal) {
  const body = JSON.stringify({ x402Version: 2, paymentPayload: payload, paymentRequirements: accepted });
  const answer = await fetch(`${facilitator.url}/${endpoint}`, { method: "POST", body, signal });
  return answer.json();
}
const settle = (facilitator, payment, signal) => ask(facilitator, "settle", payment, signal);

/// Asks until the outcome is known.
async function settled(facilitator, payment) {
  let answer;
  await until("the settlement is known", async () => {
    answer = await settle(facilitator, payment);
    return answer.errorReason !== "settlement_pending";
  });
  return answer;
}

describe("a facilitator that is killed", () => {
  test("with a transaction in the pool: the next one watches it to its end", async () => {
    await rpc("evm_setAutomine", [false]);
    const payment = await newPaymentWhileMining();
    const first = await startFacilitator();
    const pending = await settle(first, payment);
    assert.equal(pending.errorReason, "settlement_pending");
    assert.match(pending.transaction, /^0x[0-9a-f]{64}$/);
    await kill(first);
    const second = await startFacilitator();
    assert.equal((await ask(second, "verify", payment)).isValid, true, "on its way is good");
    await mine();
    const told = await settled(second, payment);
    assert.equal(told.success, true);
    assert.equal(told.transaction, pending.transaction);
    assert.equal(await payment.paid(), PRICE);
  });

  test("and the pool forgets the transaction: the same bytes are sent again", async () => {
    await rpc("evm_setAutomine", [false]);
    const payment = await newPaymentWhileMining();
    const first = await startFacilitator();
    const { transaction } = await settle(first, payment);
    await kill(first);
    await rpc("anvil_dropAllTransactions");
    assert.equal(await inPool(), 0);
    const second = await startFacilitator();
    await until("it is in the pool again", async () => (await inPool()) === 1);
    await mine();
    const told = await settled(second, payment);
    assert.equal(told.success, true);
    assert.equal(told.transaction, transaction);
    assert.equal(await payment.paid(), PRICE);
  });

  test("while its transaction is mined: the success is found, and told once, also over a second kill", async () => {
    await rpc("evm_setAutomine", [false]);
    const payment = await newPaymentWhileMining();
    const first = await startFacilitator();
    const { transaction } = await settle(first, payment);
    await kill(first);
    await mine();
    const second = await startFacilitator();
    const told = await settled(second, payment);
    assert.equal(told.success, true);
    assert.equal(told.transaction, transaction);
    await kill(second);
    const third = await startFacilitator();
    const again = await settle(third, payment);
    assert.equal(again.success, false);
    assert.equal(again.errorReason, "invalid_exact_evm_nonce_already_used");
    assert.equal((await ask(third, "verify", payment)).isValid, false);
    assert.equal(await payment.paid(), PRICE);
  });

  test("after a settlement that nobody heard of: it waits for who asks", async () => {
    await rpc("evm_setAutomine", [false]);
    const payment = await newPaymentWhileMining();
    const first = await startFacilitator("30s");
    const asker = new AbortController();
    const asking = settle(first, payment, asker.signal).catch(() => "gone");
    await until("it is in the pool", async () => (await inPool()) === 1);
    asker.abort();
    await asking;
    await mine();
    await until("it notices", () => first.stderr().includes('"event":"settlement_unheard"'));
    await kill(first);
    const second = await startFacilitator();
    assert.equal((await settle(second, payment)).success, true);
    assert.equal((await settle(second, payment)).success, false);
    assert.equal(await payment.paid(), PRICE);
  });

  test("with many payments on their way: each is paid once", async () => {
    await rpc("evm_setAutomine", [false]);
    const payments = [];
    for (let i = 0; i < 20; i++) payments.push(await newPaymentWhileMining());
    const first = await startFacilitator("30s");
    const asking = payments.map((each) => settle(first, each).catch(() => "gone"));
    // One that went alone, and those behind it together.
    await until("some are sent", async () => (await inPool()) >= 2);
    await kill(first);
    await Promise.all(asking);
    await rpc("evm_setAutomine", [true]);
    await mine();
    const second = await startFacilitator("30s");
    const answers = await Promise.all(payments.map((each) => settled(second, each)));
    for (const answer of answers) assert.equal(answer.success, true, JSON.stringify(answer));
    for (const each of payments) assert.equal(await each.paid(), PRICE);
  });
});

/// Funding a payer wants blocks of its own.
async function newPaymentWhileMining() {
  await rpc("evm_setAutomine", [true]);
  const payment = await newPayment();
  await rpc("evm_setAutomine", [false]);
  return payment;
}

describe("a gateway that is killed", () => {
  test("before its payer had an answer: the same payment gets the resource, and is charged once", async () => {
    const origin = http.createServer((_request, response) => response.end("the goods"));
    await new Promise((resolve) => origin.listen(0, "127.0.0.1", resolve));
    try {
      const payment = await newPaymentWhileMining();
      const config = `listen = "127.0.0.1:0"
origin = "http://127.0.0.1:${origin.address().port}"
[facilitator]
store = ${store()}
settle_patience = "1s"
${networkTable("facilitator.network", devnet.rpc)}poll_interval = "20ms"
[[route]]
match = "GET /goods"
[[route.accepts]]
price = "$0.001"
network = ${toml(NETWORK)}
pay_to = ${toml(payment.payTo)}
`;
      const buy = (gateway) =>
        fetch(`${gateway.url}/goods`, { headers: { "PAYMENT-SIGNATURE": encodeHeader(payment.payload) } });
      const first = await start("gateway", config);
      assert.equal((await buy(first)).status, 503);
      await kill(first);
      const second = await start("gateway", config);
      await rpc("evm_setAutomine", [true]);
      await mine();
      let answer;
      await until("it is served", async () => {
        answer = await buy(second);
        return answer.status !== 503;
      });
      assert.equal(answer.status, 200);
      assert.equal(await answer.text(), "the goods");
      assert.equal(await payment.paid(), PRICE);
      assert.equal((await buy(second)).status, 402);
    } finally {
      origin.closeAllConnections();
      await new Promise((resolve) => origin.close(resolve));
    }
  });
});

describe("a store", () => {
  test("belongs to one process", async () => {
    await startFacilitator();
    await assert.rejects(startFacilitator(), /another process serves from this store/);
  });

  test("can be checked and exported while it serves, and compacted when it does not", async () => {
    const file = join(folder, "store.db");
    const farthing = (...args) => runToEnd({ name: "farthing store", command: farthingBinary(), args: ["store", ...args] });
    const payment = await newPayment();
    const facilitator = await startFacilitator();
    const { transaction } = await settled(facilitator, payment);
    const checked = await farthing("check", file);
    assert.equal(checked.code, 0, checked.stderr);
    assert.match(checked.stdout, /^good: version \d+, 0 open, 1 settled \(0 of them unheard\), 0 failed\n$/);
    const exported = (await farthing("export", file)).stdout.trim().split("\n").map((line) => JSON.parse(line));
    assert.equal(exported.length, 1);
    assert.equal(exported[0].state, "settled");
    assert.equal(exported[0].transaction, transaction);
    assert.deepEqual(exported[0].broadcasts.map((each) => each.transaction), [transaction]);
    const busy = await farthing("compact", file);
    assert.notEqual(busy.code, 0);
    assert.match(busy.stderr, /another process serves from this store/);
    await kill(facilitator);
    const compacted = await farthing("compact", file);
    assert.equal(compacted.stdout, "0 ended payments removed\n", "it ended just now");
    const missing = await farthing("check", join(folder, "none.db"));
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /none\.db: no such file/);
  });

  test("is made beside the configuration when nothing is said", async () => {
    const role = await start("facilitator", `listen = "127.0.0.1:0"\n${networkTable("network", devnet.rpc)}`);
    assert.ok(existsSync(role.file.replace(/\.toml$/, ".db")));
  });
});
