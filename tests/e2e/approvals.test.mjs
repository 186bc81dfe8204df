// SPDX-License-Identifier: Apache-2.0
// What the operator is shown before a yes, and what became of it.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { NETWORK, USDC } from "../interop/lib/chain.mjs";
import { assertExit, errorOf, onTerminal } from "./lib/pay.mjs";
import { PAY_TO, ask, deliver, offer, startSeller } from "./lib/seller.mjs";
import { PASSWORD, walletOf } from "./lib/wallet.mjs";

const ELSEWHERE = "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc";

let seller;
before(async () => {
  seller = await startSeller({});
});
after(() => seller?.close());
beforeEach(() => {
  seller.forget();
  sellTo(PAY_TO);
});

function sellTo(payTo) {
  seller.pages["/page"] = (_request, response, { payment }) =>
    payment === undefined ? ask(response, [offer({ payTo })]) : deliver(response, payment);
}

const page = () => `${seller.url}/page`;
const walletWith = (t, pact) => walletOf(t, undefined, 0n, ["--vendor", new URL(seller.url).host, ...pact]);
const linesOf = (run) => {
  assertExit(run, 0);
  return run.stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line));
};
const listed = async (wallet) => linesOf(await wallet.run(["approvals", "list"]));

/// Asked about, and not paid: the id.
async function asked(wallet, url = page(), args = []) {
  const run = await wallet.pay(url, args);
  assertExit(run, 3);
  return errorOf(run).approval.id;
}

describe("what is granted", () => {
  /// Paid once; then the vendor wants its money elsewhere, which is beyond a limit as well.
  async function askedForTwoReasons(t) {
    const wallet = await walletWith(t, ["--limit", "$0.05", "--ask-over", "$0.001"]);
    assertExit(await wallet.pay(page()), 0);
    sellTo(ELSEWHERE);
    const id = await asked(wallet, page(), ["--task", "mail", "--reason", "the morning mail", "--tool", "weather"]);
    return { wallet, id };
  }

  test("is shown with every condition, the new address and the one before", async (t) => {
    const { wallet, id } = await askedForTwoReasons(t);
    const expected = {
      id,
      condition: "pay_to_change",
      asked: ["pay_to_change", "soft"],
      dollars: "$0.001",
      amount: "1000",
      asset: USDC,
      network: NETWORK,
      method: "GET",
      url: page(),
      tool: "weather",
      vendor: new URL(seller.url).host,
      payTo: ELSEWHERE,
      paidBefore: PAY_TO,
      task: "mail",
      reason: "the morning mail",
      agent: "",
      card: "",
    };
    const [{ time, why, answer, ...waiting }] = await listed(wallet);
    assert.deepEqual([answer, waiting], ["waiting", expected]);
    const [approved] = linesOf(await wallet.asOperator(["approvals", "approve", String(id)]));
    assert.deepEqual(approved, { ...expected, time, why, answer: "approved" });
  });

  test("and so on a terminal, before and while it is approved", async (t) => {
    const { wallet, id } = await askedForTwoReasons(t);
    const env = { FARTHING_PASSWORD: PASSWORD, FARTHING_OPERATOR_KEY: wallet.operatorKey };
    const shown = async (args) => {
      const run = await onTerminal(["approvals", ...args, "--wallet", wallet.folder], { env });
      assert.equal(run.code, 0, run.stdout);
      return run.stdout.replaceAll("\r", "");
    };
    for (const [args, state] of [
      [["list"], "waiting"],
      [["approve", String(id)], "approved"],
    ]) {
      const text = await shown(args);
      for (const part of [
        `${id}  `,
        state,
        `GET ${page()}`,
        "0.001 USDC ($0.001)",
        `${NETWORK} (base-sepolia)`,
        ELSEWHERE,
        `pays another address than before (${PAY_TO})`,
        "pay_to_change, soft",
        "weather",
        "mail",
        "the morning mail",
      ]) {
        assert.ok(text.includes(part), `${part}\n${text}`);
      }
      for (const words of ["weather", "mail", "the morning mail"]) {
        assert.ok(text.indexOf("pay_to_change, soft") < text.indexOf(words), `what a model wrote comes after what counts:\n${text}`);
      }
    }
  });
});

describe("what became of it", () => {
  test("an approval that was used is called so, and those that wait come first", async (t) => {
    const wallet = await walletWith(t, ["--limit", "$0.05", "--ask-over", "$0.0001"]);
    const first = await asked(wallet);
    const second = await asked(wallet, `${page()}?other`, ["--task", "two"]);
    assert.deepEqual((await listed(wallet)).map(({ id }) => id), [first, second]);
    assertExit(await wallet.asOperator(["approvals", "approve", String(first)]), 0);
    const states = async () => (await listed(wallet)).map(({ id, answer }) => [id, answer]);
    assert.deepEqual(await states(), [[second, "waiting"], [first, "approved"]]);
    assertExit(await wallet.pay(page()), 0);
    assert.deepEqual(await states(), [[second, "waiting"], [first, "used"]]);
    const { seq } = (await wallet.entries(["--kind", "decision"])).find(({ verdict }) => verdict === "allow");
    assert.equal((await listed(wallet))[1].payment, seq);

    const refused = async (id, detail) => {
      const run = await wallet.asOperator(["approvals", "approve", String(id)]);
      assertExit(run, 2);
      assert.equal(errorOf(run).detail, detail);
    };
    await refused(first, `${first} was used by payment ${seq}; waiting now: ${second}`);
    assertExit(await wallet.asOperator(["approvals", "approve", String(second)]), 0);
    await refused(first, `${first} was used by payment ${seq}; none waits now`);
    await refused(999, "there is no entry 999; none waits now");
    assert.equal((await wallet.entries(["--kind", "approval"])).length, 2, "what was refused left no entry");
  });
});

test("what no approval can change is not answered with the advice to get one", async (t) => {
  const wallet = await walletOf(t, undefined, 0n, ["--per-request", "$0.0005"]);
  const run = await wallet.pay(page());
  assertExit(run, 3);
  const { decision, next } = errorOf(run);
  assert.deepEqual(decision.findings.map(({ verdict, condition }) => [verdict, condition]), [["ask", "vendors"], ["refuse", "per_request"]]);
  assert.doesNotMatch(next, /operator to approve/);
  assert.match(next, /what would help: /);
});
