// SPDX-License-Identifier: Apache-2.0
// An agent with a wallet and a pact, on a real chain and with a real seller: what it pays, what it does not, and what the
// ledger says of it.

import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { after, before, beforeEach, describe, test } from "node:test";
import { PAID_MARKER, PRICE_ATOMIC } from "../interop/lib/origin.mjs";
import { generatePrivateKey, privateKeyToAccount } from "../interop/lib/packages.mjs";
import { makeFolder } from "./lib/files.mjs";
import { route, startGateway } from "./lib/gateway.mjs";
import { answer } from "./lib/origin.mjs";
import { assertExit, errorOf, onTerminal, shell } from "./lib/pay.mjs";
import { ask, deliver, offer, startSeller } from "./lib/seller.mjs";
import { startShop } from "./lib/shop.mjs";
import { tellChain } from "./lib/till.mjs";
import { until } from "./lib/wait.mjs";
import { said, walletOf } from "./lib/wallet.mjs";

const FUNDS = 1_000_000n;

let world;
let chain;
let origin;
let gateway;
let payTo;
let goods;
let vendor;
before(async () => {
  ({ world, payTo, origin, gateway, goods } = await startShop());
  chain = world.chain;
  vendor = new URL(gateway.url).host;
});
after(() => world?.stop());
beforeEach(() => {
  origin.handlers["/goods"] = answer(PAID_MARKER);
});

const walletFor = (t, funds = FUNDS) => walletOf(t, chain, funds);

const spentBy = async (wallet) => FUNDS - (await chain.balanceOf(wallet.agent));
const decisions = async (wallet) => (await wallet.entries(["--kind", "decision"])).map(({ verdict }) => verdict);

/// The decision a payment was not made for; `verdict` is `ask` or `refuse`.
function assertNotPaid(run, verdict, condition) {
  assertExit(run, 3);
  const error = errorOf(run);
  assert.equal(error.code, "not_allowed");
  assert.deepEqual([error.decision.verdict, error.decision.condition], [verdict, condition], error.detail);
  return error;
}

describe("five cents", () => {
  test("three calls are paid, the fourth is asked about, approved and paid once, and the ledger tells it", async (t) => {
    const wallet = await walletFor(t);
    const words = await wallet.pact([
      ...["--limit", "$0.05", "--ask-over", "$0.003", "--per-request", "$0.001"],
      ...["--vendor", vendor],
    ]);
    assert.equal(words.agent, wallet.agent);
    assert.equal(words.operator, wallet.operator);
    assert.ok(words.conditions.includes("at most $0.003 per calendar day; beyond is asked about (soft)"), words.conditions);
    assert.equal(said(await wallet.run(["pact", "check"])).good, true);

    for (let call = 0; call < 3; ++call) {
      const run = await wallet.pay(goods, ["--task", "weather report", "--reason", "the morning mail"]);
      assertExit(run, 0);
      assert.equal(run.stdout, PAID_MARKER);
    }
    const fourth = await wallet.pay(goods);
    const { approval, decision, detail } = assertNotPaid(fourth, "ask", "soft");
    assert.match(detail, /\$0 of \$0\.003 left today, \$0\.001 asked/);
    assert.equal(decision.findings[0].used, "$0.003");
    assert.equal(await spentBy(wallet), 3n * PRICE_ATOMIC);

    const [asked] = (await wallet.run(["approvals", "list"])).stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line));
    assert.deepEqual([asked.id, asked.answer, asked.condition], [approval.id, "waiting", "soft"]);
    assertExit(await wallet.asOperator(["approvals", "approve", String(approval.id)]), 0);
    assertExit(await wallet.pay(goods), 0);
    assertNotPaid(await wallet.pay(goods), "ask", "soft");
    assert.equal(await spentBy(wallet), 4n * PRICE_ATOMIC);

    assert.deepEqual(await decisions(wallet), ["allow", "allow", "allow", "ask", "allow", "ask"]);
    const settled = await wallet.entries(["--kind", "settled"]);
    assert.equal(settled.length, 4);
    for (const { transaction, delivered, status } of settled) {
      assert.deepEqual([delivered, status], [true, 200]);
      assert.equal((await chain.receipt(transaction)).status, "success");
    }
    const [first] = await wallet.entries(["--kind", "decision"]);
    assert.deepEqual([first.task, first.reason, first.vendor, first.payTo], ["weather report", "the morning mail", vendor, payTo]);
    assert.equal((await wallet.entries(["--kind", "pin"])).length, 1);
    assert.equal((await wallet.entries(["--reserved"])).length, 0);
    assert.match((await wallet.entries(["--kind", "alert"]))[0].text, /^soft: \$0\.003 of \$0\.003 used, beyond 80 %$/);
    assertExit(await wallet.run(["ledger", "verify"]), 0);
    const limits = (await wallet.run(["budget"])).stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line));
    assert.deepEqual(
      limits.map(({ condition, limit, used, left }) => [condition, limit, used, left]),
      [["day", "$0.05", "$0.004", "$0.046"], ["soft", "$0.003", "$0.004", "$0"]],
    );
  });

  test("beyond a limit that refuses, no approval helps", async (t) => {
    const wallet = await walletFor(t);
    await wallet.pact(["--limit", "$0.001", "--vendor", vendor]);
    assertExit(await wallet.pay(goods), 0);
    const error = assertNotPaid(await wallet.pay(goods), "refuse", "day");
    assert.equal(error.approval, undefined);
    assert.match(error.detail, /retry after /);
    const [, refused] = await wallet.entries(["--kind", "decision"]);
    assertExit(await wallet.asOperator(["approvals", "approve", String(refused.seq)]), 2);
    assertNotPaid(await wallet.pay(goods), "refuse", "day");
    assert.equal(await spentBy(wallet), PRICE_ATOMIC);
  });

  test("only the operator approves, and a denial takes it back", async (t) => {
    const wallet = await walletFor(t);
    await wallet.pact([]);
    const { approval } = assertNotPaid(await wallet.pay(goods), "ask", "vendors");
    const id = String(approval.id);
    const stranger = await wallet.asOperator(["approvals", "approve", id], generatePrivateKey());
    assertExit(stranger, 3);
    assertNotPaid(await wallet.pay(goods), "ask", "vendors");
    assertExit(await wallet.asOperator(["approvals", "approve", id]), 0);
    assertExit(await wallet.run(["approvals", "deny", id]), 0);
    assertNotPaid(await wallet.pay(goods), "ask", "vendors");
    assert.equal(await spentBy(wallet), 0n);
    assertExit(await wallet.asOperator(["approvals", "approve", id]), 0);
    assertExit(await wallet.pay(goods), 0);
    assert.equal(await spentBy(wallet), PRICE_ATOMIC);
  });
});

/// The commands under "Give an agent five cents", without their comments.
async function newcomersCommands() {
  const text = await readFile(new URL("../../docs/wallet.md", import.meta.url), "utf8");
  const [, block] = text.match(/## Give an agent five cents[^]*?```sh\n([^]*?)```/);
  return block.split("\n").filter(Boolean).map((line) => line.replace(/ +# .*$/, ""));
}

test("the commands of docs/wallet.md do what it says", async (t) => {
  const home = await makeFolder();
  t.after(home.remove);
  const seller = await startGateway({
    originUrl: origin.url,
    facilitator: { rpc: world.rpc, account: world.nextGasAccount() },
    routes: [route("GET /weather", payTo)],
  });
  t.after(seller.stop);
  origin.handlers["/weather"] = answer(PAID_MARKER);
  const { host } = new URL(seller.url);
  const commands = await newcomersCommands();
  const script = commands
    .map((line) => line.replaceAll("127.0.0.1:8402", host).replace("wallet fund", `wallet fund --rpc ${world.rpc}`))
    .map((line) => line.replaceAll("build/farthing", '"$0"'))
    .map((line) => `${line}; echo "@ $?"`)
    .join("\n");
  const run = await shell(script, [], { cwd: home.folder, deadlineMs: 60_000 });
  assertExit(run, 0);
  const codes = [...run.stdout.matchAll(/@ (\d+)$/gm)].map(([, code]) => Number(code));
  assert.deepEqual(codes, commands.map((_, at) => (at === 11 ? 3 : 0)), run.stdout + run.stderr);
  assert.equal(run.stdout.split(PAID_MARKER).length - 1, 4, "three calls, and the one that was approved");
  const told = run.stdout.split("\n").filter((line) => line.startsWith('{"id":"0x')).map((line) => JSON.parse(line).alert);
  assert.deepEqual(told, ["threshold", "approval_wanted"], run.stdout);
});

test("twenty processes at once over a budget for five pay exactly five", async (t) => {
  const wallet = await walletFor(t);
  await wallet.pact(["--limit", "$0.005", "--vendor", vendor]);
  const runs = await Promise.all(Array.from({ length: 20 }, () => wallet.pay(goods, [], { deadlineMs: 120_000 })));
  const codes = runs.map(({ code }) => code).sort();
  assert.deepEqual(codes, [...Array(5).fill(0), ...Array(15).fill(3)], runs.map(({ stderr }) => stderr).join(""));
  for (const run of runs.filter(({ code }) => code === 3)) assertNotPaid(run, "refuse", "day");
  assert.equal(await spentBy(wallet), 5n * PRICE_ATOMIC);
  assertExit(await wallet.run(["ledger", "verify"]), 0);
});

describe("a process that was killed", () => {
  /// Pays, and is killed while the origin hangs.
  async function killWhileWaiting(wallet, url, waiting) {
    const run = await wallet.pay(url, [], {
      onStart: (child) => void waiting().then(() => child.kill("SIGKILL")),
    });
    assert.equal(run.signal, "SIGKILL");
  }
  const reconcile = async (wallet) => {
    const { balances: _, ...open } = said(await wallet.run(["wallet", "reconcile", "--rpc", world.rpc]));
    return open;
  };

  test("keeps its reservation until the chain says that it was paid", async (t) => {
    const wallet = await walletFor(t);
    await wallet.pact(["--limit", "$0.001", "--vendor", vendor]);
    let asked = 0;
    let respond;
    origin.handlers["/goods"] = (request, response) => {
      asked += 1;
      respond = () => answer(PAID_MARKER)(request, response);
    };
    await killWhileWaiting(wallet, goods, () => until("the origin hangs", () => asked > 0));
    assert.equal((await wallet.entries(["--reserved"])).length, 1);
    assertNotPaid(await wallet.pay(goods), "refuse", "day");
    assert.deepEqual(await reconcile(wallet), { settled: 0, released: 0, open: 1 });
    respond();
    await until("the gateway settles", async () => (await spentBy(wallet)) === PRICE_ATOMIC);
    assert.deepEqual(await reconcile(wallet), { settled: 1, released: 0, open: 0 });
    assertNotPaid(await wallet.pay(goods), "refuse", "day");
    assert.equal(await spentBy(wallet), PRICE_ATOMIC);
  });

  test("and gets it back when the authorisation has expired unused, and not before", async (t) => {
    const wallet = await walletFor(t);
    let got = 0;
    const seller = await startSeller({
      "/hangs": (_request, response, { payment }) => {
        if (payment !== undefined) return void (got += 1);
        ask(response, [offer({ maxTimeoutSeconds: 30 })]);
      },
    });
    t.after(seller.close);
    await wallet.pact(["--limit", "$0.001", "--vendor", new URL(seller.url).host, "--vendor", vendor]);
    await killWhileWaiting(wallet, `${seller.url}/hangs`, () => until("the seller hangs", () => got > 0));
    assert.deepEqual(await reconcile(wallet), { settled: 0, released: 0, open: 1 });
    assertNotPaid(await wallet.pay(goods), "refuse", "day");
    const snapshot = await tellChain(world.rpc, "evm_snapshot");
    try {
      await tellChain(world.rpc, "evm_increaseTime", [120]);
      await tellChain(world.rpc, "evm_mine");
      assert.deepEqual(await reconcile(wallet), { settled: 0, released: 1, open: 0 });
    } finally {
      await tellChain(world.rpc, "evm_revert", [snapshot]);
    }
    const [released] = await wallet.entries(["--kind", "released"]);
    assert.equal(released.why, "expired_unused");
    assertExit(await wallet.run(["ledger", "verify"]), 0);
    const left = said(await wallet.run(["budget"]));
    assert.deepEqual([left.used, left.left], ["$0", "$0.001"]);
  });
});

describe("no payment under a pact that is", () => {
  const refused = async (wallet, code, why) => {
    const run = await wallet.pay(goods);
    const error = errorOf(run);
    assert.equal(error.code, code, error.detail);
    assert.match(error.detail, why);
    assert.notEqual(run.code, 0);
    assert.equal(await spentBy(wallet), 0n);
  };

  test("missing, unsigned, altered, or signed by somebody else", async (t) => {
    const wallet = await walletFor(t);
    await refused(wallet, "invalid_argument", /pact\.toml is not there/);
    said(await wallet.run(["pact", "new", "--network", "base-sepolia", "--vendor", vendor]));
    await refused(wallet, "invalid_signature", /is not signed/);
    assertExit(await wallet.asOperator(["pact", "sign"], generatePrivateKey()), 3);
    await refused(wallet, "invalid_signature", /is not signed/);
    said(await wallet.asOperator(["pact", "sign"]));
    await wallet.alterPact((text) => text.replace('"$0.05"', '"$5"'));
    await refused(wallet, "invalid_signature", /altered/);
    assertExit(await wallet.run(["pact", "check"]), 3);
    await wallet.alterPact((text) => text.replace('"$5"', '"$0.05"'));
    assertExit(await wallet.pay(goods), 0);
  });

  test("of another operator, whatever the files say", async (t) => {
    const wallet = await walletFor(t);
    await wallet.pact(["--vendor", vendor]);
    const stranger = generatePrivateKey();
    const other = privateKeyToAccount(stranger).address;
    const file = `${wallet.folder}/operator`;
    await rm(file);
    await writeFile(file, other);
    await refused(wallet, "invalid_signature", /its operator is/);
  });

  test("expired, for another agent, or revoked", async (t) => {
    const wallet = await walletFor(t);
    said(await wallet.run(["pact", "new", "--network", "base-sepolia", "--vendor", vendor]));
    await wallet.alterPact((text) => text.replace(/expires = .*/, 'expires = "2020-01-01"'));
    said(await wallet.asOperator(["pact", "sign"]));
    assertNotPaid(await wallet.pay(goods), "refuse", "expires");
    await wallet.alterPact((text) => text.replace(wallet.agent, wallet.operator));
    assertExit(await wallet.asOperator(["pact", "sign"]), 2);
    await rm(wallet.pactFile);
    await wallet.pact(["--vendor", vendor]);
    assertExit(await wallet.run(["pact", "revoke"]), 0);
    assertExit(await wallet.run(["pact", "check"]), 3);
    assertNotPaid(await wallet.pay(goods), "refuse", "revoked");
    assert.equal(await spentBy(wallet), 0n);
  });
});

test("a seller that changes its address is asked about", async (t) => {
  const wallet = await walletFor(t);
  const seller = await startSeller({});
  t.after(seller.close);
  await wallet.pact(["--limit", "$0.05", "--vendor", new URL(seller.url).host]);
  assertExit(await wallet.pay(`${seller.url}/page`), 0);
  seller.pages["/page"] = (_request, response, { payment }) =>
    payment ? deliver(response, payment) : ask(response, [offer({ payTo: chain.freshAddress() })]);
  seller.forget();
  assertNotPaid(await wallet.pay(`${seller.url}/page`), "ask", "pay_to_change");
  assert.equal(seller.payments().length, 0, "nothing was signed");
});

test("on a terminal a refusal is in words, with what the operator can do", async (t) => {
  const wallet = await walletFor(t, 0n);
  await wallet.pact([]);
  const run = await onTerminal(["pay", goods, "--wallet", wallet.folder], { env: { FARTHING_PASSWORD: "only a test" } });
  assert.equal(run.code, 3);
  assert.match(run.stdout, /Needs the operator's approval \(vendors\)/);
  assert.match(run.stdout, /farthing approvals approve \d+ --wallet /);
});
