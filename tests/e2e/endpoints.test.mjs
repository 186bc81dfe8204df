// SPDX-License-Identifier: Apache-2.0
// A facilitator with two nodes of one chain, of which the preferred one is no good: payments settle all the same, once.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { chainView } from "../interop/lib/chain.mjs";
import { craftPayload, requirements } from "../interop/lib/craft.mjs";
import { startDevnet } from "../interop/lib/devnet.mjs";
import { networkTable, startRole } from "../interop/lib/farthing.mjs";
import { startBadNode } from "./lib/bad_node.mjs";
import { until } from "./lib/wait.mjs";

const PRICE = 1000n;
const SECRET = "/v3/secret-key";
let devnet;
let chain;
let bad;
let facilitator;

before(async () => {
  devnet = await startDevnet();
  chain = chainView(devnet.rpc, devnet.accounts[1].key);
  await rpc("anvil_mine", ["0x20"]);
});
after(() => devnet.stop());

beforeEach(async () => {
  bad = await startBadNode(devnet.rpc);
  facilitator = await startRole(
    "facilitator",
    `listen = "127.0.0.1:0"\nstore = "memory"\n${networkTable("network", [bad.url + SECRET, devnet.rpc])}poll_interval = "20ms"\nrpc_timeout = "2s"\n`,
    { FARTHING_FACILITATOR_KEY: devnet.accounts[0].key },
  );
});
afterEach(async () => {
  await facilitator.stop();
  await bad.close();
});

async function rpc(method, params = []) {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const answer = await fetch(devnet.rpc, { method: "POST", headers: { "Content-Type": "application/json" }, body });
  const { result, error } = await answer.json();
  assert.equal(error, undefined, `${method}: ${JSON.stringify(error)}`);
  return result;
}

async function newPayment() {
  const payTo = chain.freshAddress();
  const accepted = { ...requirements(payTo), amount: String(PRICE) };
  const payer = await chain.freshPayer(10n * PRICE);
  const payload = await craftPayload({ key: payer.key, payTo, accepted, authorization: { value: accepted.amount } });
  return { payload, accepted, paid: () => chain.balanceOf(payTo) };
}

async function ask(endpoint, { payload, accepted }) {
  const body = JSON.stringify({ x402Version: 2, paymentPayload: payload, paymentRequirements: accepted });
  const answer = await fetch(`${facilitator.url}/${endpoint}`, { method: "POST", body });
  return answer.json();
}

async function settlesAllTheSame() {
  const payment = await newPayment();
  const verified = await ask("verify", payment);
  assert.equal(verified.isValid, true, JSON.stringify(verified));
  const settled = await ask("settle", payment);
  assert.equal(settled.success, true, JSON.stringify(settled));
  assert.equal(await payment.paid(), PRICE);
}

const changed = (answers, change) => ({ body: JSON.stringify(change(structuredClone(answers))) });
const one = (calls, answers) => (calls.length === 1 ? answers[0] : answers);

const ills = {
  "answers HTML": () => ({ headers: { "Content-Type": "text/html" }, body: "<html>busy</html>" }),
  "answers half": (calls, answers) => ({ body: JSON.stringify(one(calls, answers)).slice(0, -5) }),
  "answers to ids of its own": (calls, answers) =>
    changed(one(calls, answers), (said) => [said].flat().map((each) => ({ ...each, id: each.id + 1000 }))),
  "answers to one id twice": (calls, answers) => changed(answers, (said) => said.map((each) => ({ ...each, id: said[0].id + 1 }))),
  "wants to be left alone": () => ({ status: 429, headers: { "Retry-After": "60" }, body: "slow down" }),
  "has an internal error": () => ({ status: 500, body: "oh" }),
  "is silent": () => "silence",
  "cuts the line": () => "cut",
  "answers without end": () => ({ body: `{"jsonrpc":"2.0","id":1,"result":"0x${"00".repeat(3 << 20)}"}` }),
};

describe("the preferred node", () => {
  for (const [what, spoil] of Object.entries(ills)) {
    test(what, async () => {
      bad.spoil = spoil;
      await settlesAllTheSame();
      assert.doesNotMatch(facilitator.output(), /secret-key/);
    });
  }

  test("is well, and nobody else is needed", async () => {
    await settlesAllTheSame();
    assert.equal(bad.asked.eth_sendRawTransaction, 1);
  });

  test("is behind: it is not believed about nonces, money and receipts", async () => {
    await settlesAllTheSame(); // the key has a nonce that the node behind will not know
    bad.spoil = (calls, answers) => {
      for (const [i, { method }] of calls.entries()) {
        if (method === "eth_getBlockByNumber") {
          answers[i].result.number = `0x${(Number(answers[i].result.number) - 10).toString(16)}`;
        } else if (method === "eth_getTransactionReceipt") {
          answers[i].result = null;
        } else if (method === "eth_getTransactionCount" || method === "eth_getBalance") {
          answers[i].result = "0x0";
        }
      }
    };
    const looks = bad.asked.eth_getBlockByNumber ?? 0;
    await until("it was seen to be behind", () => (bad.asked.eth_getBlockByNumber ?? 0) > looks + 2);
    const sends = bad.asked.eth_sendRawTransaction;
    await settlesAllTheSame();
    assert.equal(bad.asked.eth_sendRawTransaction, sends, "nothing was sent to it");
  });

  test("dies with the transaction in its hands: it is paid once", async () => {
    const payment = await newPayment();
    let dead = false;
    bad.spoil = (calls) => {
      dead ||= calls.some(({ method }) => method === "eth_sendRawTransaction");
      return dead ? "cut" : undefined;
    };
    const settled = await ask("settle", payment);
    assert.equal(dead, true);
    assert.equal(settled.success, true, JSON.stringify(settled));
    assert.equal(await payment.paid(), PRICE);
    await settlesAllTheSame();
  });
});
