// SPDX-License-Identifier: Apache-2.0
// The daemon of a wallet, with a real seller on a real chain: who is served, what the operator says while a request waits, and
// how it stops.

import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { after, before, beforeEach, describe, test } from "node:test";
import { PAID_MARKER, PRICE_ATOMIC } from "../interop/lib/origin.mjs";
import { answer } from "./lib/origin.mjs";
import { assertExit, errorOf } from "./lib/pay.mjs";
import { startShop } from "./lib/shop.mjs";
import { gate, until } from "./lib/wait.mjs";
import { makeWallet, said, walletOf } from "./lib/wallet.mjs";
import { ask, bearer, fetchBy, newToken, startDaemon } from "./lib/wallet_daemon.mjs";

const FUNDS = 1_000_000n;

let world;
let chain;
let origin;
let goods;
let vendor;
before(async () => {
  let gateway;
  ({ world, origin, gateway, goods } = await startShop());
  chain = world.chain;
  vendor = new URL(gateway.url).host;
});
after(() => world?.stop());
beforeEach(() => {
  origin.handlers["/goods"] = answer(PAID_MARKER);
});

const spentBy = async (wallet) => FUNDS - (await chain.balanceOf(wallet.agent));

/// A wallet with a pact, its daemon, and a token for it.
async function serving(t, { pact = [], args = [] } = {}) {
  const wallet = await walletOf(t, chain, FUNDS, ["--limit", "$0.05", "--vendor", vendor, ...pact]);
  const token = await newToken(wallet, "writer");
  let daemon = await startDaemon(wallet, args);
  t.after(async () => {
    daemon.signal("SIGKILL");
    await daemon.ended;
  });
  const restart = async () => (daemon = await startDaemon(wallet, args));
  return { wallet, token, daemon, restart };
}

describe("who is served", () => {
  test("an agent with a token, on the Unix socket and on loopback; the ledger says which", async (t) => {
    const { wallet, token, daemon } = await serving(t);
    assert.equal((await stat(daemon.socket)).mode & 0o777, 0o600);
    const call = { url: goods, task: "mail", reason: "the morning mail" };
    for (const how of [{}, { socketPath: daemon.socket }]) {
      const { status, body } = await fetchBy(daemon, token, call, how);
      assert.equal(status, 200, JSON.stringify(body));
      assert.deepEqual([body.status, body.body], [200, PAID_MARKER]);
      assert.equal(BigInt(body.payment.amount), PRICE_ATOMIC);
      assert.equal((await chain.receipt(body.payment.transaction)).status, "success");
    }
    assert.equal(await spentBy(wallet), 2n * PRICE_ATOMIC);
    const decisions = await wallet.entries(["--kind", "decision"]);
    assert.deepEqual(decisions.map(({ agent, task, reason }) => [agent, task, reason]), Array(2).fill(["writer", "mail", "the morning mail"]));
    const { body } = await ask(`${daemon.url}/v1/payments`, { headers: bearer(token) });
    assert.deepEqual(body.payments.map(({ state, agent }) => [state, agent]), Array(2).fill(["settled", "writer"]));

    const quote = await ask(`${daemon.url}/v1/quote`, { method: "POST", headers: bearer(token), body: { url: goods } });
    assert.deepEqual([quote.body.status, quote.body.wouldPay, quote.body.accepts[0].payable], [402, true, true]);
    assert.equal(await spentBy(wallet), 2n * PRICE_ATOMIC);
    assert.match((await ask(`${daemon.url}/metrics`, { headers: bearer(token) })).body, /farthing_wallet_requests_total\{outcome="paid",way="api"\} 2/);

    assert.deepEqual((await wallet.run(["wallet", "token", "list"])).stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line).name), ["writer"]);
    said(await wallet.run(["wallet", "token", "revoke", "writer"]));
    assert.equal((await fetchBy(daemon, token, call)).status, 401);
    assert.equal(await spentBy(wallet), 2n * PRICE_ATOMIC);
    await daemon.stop();
  });

  test("nobody without one, and no web page", async (t) => {
    const { wallet, token, daemon } = await serving(t);
    assert.equal((await ask(`${daemon.url}/v1/limits`)).status, 401);
    assert.equal((await ask(`${daemon.url}/v1/limits`, { headers: { ...bearer(token), origin: "https://evil.example" } })).status, 403);
    assert.equal((await ask(`${daemon.url}/v1/limits`, { headers: { ...bearer(token), host: `evil.example:${new URL(daemon.url).port}` } })).status, 403);
    assert.equal((await ask(`${daemon.url}/v1/limits`, { headers: bearer(token) })).status, 200);
    assert.equal((await ask(`${daemon.url}/healthz`)).status, 200);
    assert.equal(await spentBy(wallet), 0n);
  });

  test("one daemon for a wallet, on loopback only; one that was killed is replaced", async (t) => {
    const { wallet, token, daemon, restart } = await serving(t);
    const second = await wallet.run(["wallet", "serve"]);
    assertExit(second, 4);
    assert.match(errorOf(second).detail, /somebody listens there already/);
    for (const address of ["0.0.0.0:0", "[::]:0", "192.0.2.1:8404", "localhost:1"]) {
      const run = await wallet.run(["wallet", "serve", "--listen", address, "--socket", `${wallet.folder}/other.sock`]);
      assertExit(run, 2);
    }
    daemon.signal("SIGKILL");
    await daemon.ended;
    const next = await restart();
    assert.equal((await fetchBy(next, token, { url: goods }, { socketPath: next.socket })).status, 200);
    await next.stop();
    await assert.rejects(stat(next.socket));
  });
});

describe("the operator", () => {
  test("approves while the request waits, and it is paid", async (t) => {
    const { wallet, token, daemon } = await serving(t, { pact: ["--ask-over", "$0.0005"] });
    const asking = fetchBy(daemon, token, { url: goods, wait: 60 });
    const waiting = await until("it is asked", async () => {
      const { body } = await ask(`${daemon.url}/v1/approvals`, { headers: bearer(token) });
      return body.approvals[0];
    });
    assert.equal(await spentBy(wallet), 0n);
    assertExit(await wallet.asOperator(["approvals", "approve", String(waiting.id)]), 0);
    const { status, body } = await asking;
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.body, PAID_MARKER);
    assert.equal(await spentBy(wallet), PRICE_ATOMIC);
  });

  test("denies, or is not there: a clear answer", async (t) => {
    const { wallet, token, daemon } = await serving(t, { pact: ["--ask-over", "$0.0005"] });
    const asking = fetchBy(daemon, token, { url: goods, wait: 60 });
    const [{ seq }] = await until("it is asked", async () => {
      const entries = await wallet.entries(["--verdict", "ask"]);
      return entries.length > 0 && entries;
    });
    assertExit(await wallet.run(["approvals", "deny", String(seq)]), 0);
    const denied = await asking;
    assert.equal(denied.status, 402);
    assert.deepEqual(denied.body.error.approval, { id: seq, answer: "denied" });
    for (const wait of [0, 1]) {
      const again = await fetchBy(daemon, token, { url: goods, wait });
      assert.deepEqual(again.body.error.approval, { id: seq, answer: "denied" }, "a denial stands");
      assert.match(again.body.error.next, /the operator said no/);
    }
    const late = await fetchBy(daemon, token, { url: goods, task: "another", wait: 1 });
    assert.deepEqual([late.status, late.body.error.approval.answer], [402, "not_yet"]);
    const now = await fetchBy(daemon, token, { url: goods, task: "another" });
    assert.equal(now.body.error.approval.id, late.body.error.approval.id, "asked once");
    assert.deepEqual([now.status, now.body.error.approval.answer], [402, undefined]);
    assert.match(now.body.error.next, /the operator has to approve it/);
    assert.equal(await spentBy(wallet), 0n);
  });

  test("a pact that is altered stops it, one that is signed again lets it go on, one that is revoked stops it for good", async (t) => {
    const { wallet, token, daemon } = await serving(t);
    assert.equal((await fetchBy(daemon, token, { url: goods })).status, 200);
    await wallet.alterPact((text) => text.replace('"$0.05"', '"$5"'));
    const altered = await fetchBy(daemon, token, { url: goods });
    assert.deepEqual([altered.status, altered.body.error.code], [403, "invalid_signature"]);
    daemon.signal("SIGHUP");
    await until("it says so", () => /pact_not_in_force/.test(daemon.stderr()));
    said(await wallet.asOperator(["pact", "sign"]));
    assert.equal((await fetchBy(daemon, token, { url: goods })).status, 200);
    said(await wallet.run(["pact", "revoke"]));
    const revoked = await fetchBy(daemon, token, { url: goods });
    assert.deepEqual([revoked.status, revoked.body.error.decision.code], [403, "revoked"]);
    assert.equal(await spentBy(wallet), 2n * PRICE_ATOMIC);
  });
});

describe("the end", () => {
  test("SIGTERM with a payment in flight: it is finished, told and accounted for", async (t) => {
    const { wallet, token, daemon } = await serving(t);
    const door = gate();
    origin.handlers["/goods"] = async (request, response) => {
      await door.promise;
      answer(PAID_MARKER)(request, response);
    };
    const asking = fetchBy(daemon, token, { url: goods });
    await until("it is signed", async () => (await wallet.entries(["--kind", "signed"])).length === 1);
    daemon.signal("SIGTERM");
    await until("it stops", () => /"stopping"/.test(daemon.stderr()));
    door.open();
    const { status, body } = await asking;
    assert.deepEqual([status, body.body], [200, PAID_MARKER]);
    assert.equal((await daemon.ended).code, 0);
    assert.equal((await wallet.entries(["--kind", "settled"])).length, 1);
    assert.equal(await spentBy(wallet), PRICE_ATOMIC);
  });

  test("SIGTERM ends the wait for the operator at once, and says so", async (t) => {
    const { wallet, token, daemon } = await serving(t, { pact: ["--ask-over", "$0.0005"] });
    const asking = fetchBy(daemon, token, { url: goods, wait: 600 });
    await until("it is asked", async () => (await wallet.entries(["--kind", "decision", "--verdict", "ask"])).length === 1);
    daemon.signal("SIGTERM");
    const { status, body } = await asking;
    assert.deepEqual([status, body.error.approval.answer], [402, "not_yet"]);
    assert.equal((await daemon.ended).code, 0);
  });

  test("killed with a signature out: it stays reserved, and the chain settles it", async (t) => {
    const { wallet, token, daemon, restart } = await serving(t, { args: ["--rpc", world.rpc, "--reconcile-every", "200ms"] });
    const door = gate();
    origin.handlers["/goods"] = async (request, response) => {
      await door.promise;
      answer(PAID_MARKER)(request, response);
    };
    fetchBy(daemon, token, { url: goods }).catch(() => {});
    await until("it is signed", async () => (await wallet.entries(["--kind", "signed"])).length === 1);
    await until("the seller has it", () => origin.runs("/goods") > 0);
    daemon.signal("SIGKILL");
    await daemon.ended;
    door.open();
    await until("it is paid", async () => (await spentBy(wallet)) === PRICE_ATOMIC);
    assert.equal((await wallet.entries(["--reserved"])).length, 1);
    const next = await restart();
    await until("it is settled", async () => (await wallet.entries(["--kind", "settled"])).length === 1);
    assert.equal((await wallet.entries(["--reserved"])).length, 0);
    await next.stop();
  });
});

describe("cards", () => {
  test("a hundred requests at once with a card for one use pay once, and none after a restart", async (t) => {
    const { wallet, daemon, restart } = await serving(t);
    const { token, card } = said(await wallet.run(["card", "new", "--max", "0.05", "--vendor", vendor, "--task", "mail"]));
    const call = { url: goods, task: "another", reason: "why" };
    const answers = [];
    // In crowds that one card may have in hand.
    for (let crowd = 0; crowd < 2; ++crowd) {
      answers.push(...(await Promise.all(Array.from({ length: 50 }, () => fetchBy(daemon, token, call)))));
    }
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    for (const { status, body } of answers.filter((each) => each.status !== 200)) {
      // One that comes while the first is in hand hears that, and is not decided about.
      const heard = body.error.decision?.code ?? body.error.code;
      assert.ok(["403 card_used", "503 outcome_unknown"].includes(`${status} ${heard}`), `${status} ${heard}`);
    }
    assert.equal(await spentBy(wallet), PRICE_ATOMIC);
    await daemon.stop();
    const next = await restart();
    assert.equal((await fetchBy(next, token, call)).status, 403);
    assert.equal(await spentBy(wallet), PRICE_ATOMIC);
    const [listed] = (await wallet.run(["card", "list"])).stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line));
    assert.deepEqual([listed.card, listed.state, listed.used, listed.uses, listed.spent, listed.task], [card, "used", 1, 1, "$0.001", "mail"]);
    const [paid] = (await wallet.entries(["--kind", "decision"])).filter(({ verdict }) => verdict === "allow");
    assert.deepEqual([paid.card, paid.agent, paid.task], [card, "", "mail"]);
    assertExit(await wallet.run(["ledger", "verify"]), 0);
  });

  test("reads nothing, goes nowhere else, and is taken back at once", async (t) => {
    const { wallet, daemon } = await serving(t);
    const { token, card } = said(await wallet.run(["card", "new", "--max", "$0.05", "--vendor", vendor, "--uses", "9"]));
    for (const path of ["/v1/limits", "/v1/payments", "/v1/approvals", "/metrics"]) {
      assert.equal((await ask(daemon.url + path, { headers: bearer(token) })).status, 403, path);
    }
    const before = origin.connections();
    assert.equal((await fetchBy(daemon, token, { url: `${origin.url}/goods` })).status, 403);
    assert.equal(origin.connections(), before);
    assert.equal((await fetchBy(daemon, token, { url: goods })).status, 200);
    said(await wallet.run(["card", "revoke", card]));
    assert.equal((await fetchBy(daemon, token, { url: goods })).status, 401);
    assert.equal(await spentBy(wallet), PRICE_ATOMIC);
  });

  test("what is wrong with a card is said when it is made", async (t) => {
    const wallet = await makeWallet(chain, 0n);
    t.after(wallet.remove);
    const good = ["card", "new", "--max", "0.05", "--vendor", "api.example"];
    for (const [at, value] of [[3, "0"], [3, "free"], [3, "0.05 EURC"], [5, "https://api.example"], [5, ""]]) {
      assertExit(await wallet.run(good.with(at, value)), 2);
    }
    assertExit(await wallet.run([...good, "--uses", "0"]), 2);
    assertExit(await wallet.run([...good, "--expires", "soon"]), 2);
    assertExit(await wallet.run(["card", "revoke", "none"]), 2);
    assert.equal((await wallet.entries()).length, 0);
    said(await wallet.run(good));
    assert.equal((await wallet.entries(["--kind", "card"])).length, 1);
  });
});
