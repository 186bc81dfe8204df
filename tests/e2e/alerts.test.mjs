// SPDX-License-Identifier: Apache-2.0
// What the operator of a wallet is told, by whom, and how it is known to be true.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import http from "node:http";
import { readFile, stat, writeFile } from "node:fs/promises";
import { before, after, describe, test } from "node:test";
import { listen } from "../interop/lib/http.mjs";
import { readAll } from "./lib/origin.mjs";
import { assertExit, errorOf } from "./lib/pay.mjs";
import { ask, deliver, offer, startSeller } from "./lib/seller.mjs";
import { until } from "./lib/wait.mjs";
import { makeWallet, said } from "./lib/wallet.mjs";

const SECRET = "a secret of sixteen bytes and more";
const OTHER = "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc";
const env = { ALERT_SECRET: SECRET };

let seller;
before(async () => {
  seller = await startSeller({});
  let price = 0;
  seller.pages["/dearer"] = (_request, response, { payment }) =>
    payment === undefined ? ask(response, [offer({ amount: price++ === 0 ? "1000" : "9000" })]) : deliver(response, payment);
  let payee = 0;
  seller.pages["/moved"] = (_request, response, { payment }) =>
    payment === undefined ? ask(response, [offer(payee++ === 0 ? {} : { payTo: OTHER })]) : deliver(response, payment);
});
after(() => seller?.close());

/// Takes what is posted to it. `statuses` are what it answers first; then 204.
async function startReceiver(t, statuses = []) {
  const got = [];
  const hold = {};
  const server = http.createServer(async (request, response) => {
    const body = (await readAll(request)).toString();
    const status = statuses.shift() ?? 204;
    got.push({ headers: request.headers, body, status });
    if (hold.on) return;
    response.writeHead(status);
    response.end();
  });
  const { url, close } = await listen(server);
  t.after(close);
  return { url, got, hold, taken: () => got.filter(({ status }) => status === 204).map(({ body }) => JSON.parse(body)) };
}

/// As the documentation says that a receiver should.
function assertSigned({ headers, body }) {
  const { t: time, v1 } = Object.fromEntries(headers["farthing-signature"].split(",").map((each) => each.split("=")));
  assert.equal(v1, createHmac("sha256", SECRET).update(`${time}.${body}`).digest("hex"));
  assert.ok(Math.abs(Date.now() / 1000 - Number(time)) < 60);
  const message = JSON.parse(body);
  assert.equal(headers["farthing-id"], message.id);
  assert.equal(headers["farthing-alert"], message.alert);
}

const webhook = (url, more = "") => `[[alert]]\nname = "ops"\nwebhook = "${url}/alerts"\nsecret = { env = "ALERT_SECRET" }\n${more}`;

async function walletWith(t, settings, pact = ["--limit", "$0.05"]) {
  const wallet = await makeWallet(undefined, 0n);
  t.after(wallet.remove);
  await wallet.pact(pact);
  await writeFile(`${wallet.folder}/wallet.toml`, settings);
  const pay = (path = "/page", args = []) => wallet.pay(seller.url + path, args, { env });
  const tell = (args = [], how = {}) => wallet.run(["wallet", "alerts", ...args], { env, ...how });
  return { ...wallet, pay, tell };
}
const approved = ["--limit", "$0.05", "--vendor", "127.0.0.1:*"];

describe("a webhook", () => {
  test("is told what is waited for, signed, once, with what was decided", async (t) => {
    const receiver = await startReceiver(t);
    const wallet = await walletWith(t, webhook(receiver.url));
    const run = await wallet.pay("/page", ["--task", "mail", "--reason", "the morning mail"]);
    assertExit(run, 3);
    assert.equal(receiver.got.length, 1, "told before the command ends");
    assertSigned(receiver.got[0]);
    const message = JSON.parse(receiver.got[0].body);
    const [entry] = await wallet.entries(["--kind", "alert"]);
    assert.deepEqual([message.alert, message.seq, message.text], ["approval_wanted", entry.seq, entry.text]);
    assert.deepEqual([message.id, message.wallet, message.vendor], [entry.hash, wallet.agent, new URL(seller.url).host]);
    assert.match(message.text, /^GET http:\S+\/page for \$0\.001: Needs the operator's approval \(vendors\)/);
    const { seq, verdict, amount, dollars, task, reason } = message.decision;
    assert.equal(seq, errorOf(run).approval.id, "what the operator approves");
    assert.deepEqual([verdict, amount, dollars, task, reason], ["ask", "1000", "$0.001", "mail", "the morning mail"]);
    assert.deepEqual(said(await wallet.tell()), { told: 0, left: 0 });
    assertExit(await wallet.pay("/page", ["--task", "mail", "--reason", "in other words"]), 3);
    assert.equal(receiver.got.length, 1, "the same question a moment later is not told again");
  });

  test("that fails twice is asked again, and then in order", async (t) => {
    const receiver = await startReceiver(t, [500, 503]);
    const wallet = await walletWith(t, webhook(receiver.url));
    assertExit(await wallet.pay("/one"), 3);
    assertExit(await wallet.pay("/two"), 3);
    assert.deepEqual(receiver.got.map(({ status }) => status), [500, 503], "one attempt by each payment");
    const run = await wallet.tell();
    assert.deepEqual(said(run), { told: 2, left: 0 });
    const seqs = receiver.taken().map(({ seq }) => seq);
    assert.deepEqual(seqs, (await wallet.entries(["--kind", "alert"])).map(({ seq }) => seq));
    receiver.got.forEach(assertSigned);
  });

  test("followed, it is asked again with pauses, and new alerts come", async (t) => {
    const receiver = await startReceiver(t, [503, 503]);
    const wallet = await walletWith(t, `${webhook(receiver.url)}\ntake = ["approval_wanted"]\n`);
    let stop;
    const following = wallet.tell(["--follow"], { onStart: (child) => (stop = () => child.kill("SIGTERM")), deadlineMs: 60_000 });
    assertExit(await wallet.pay("/one"), 3);
    await until("it is told after two failures", () => receiver.taken().length === 1, 30_000);
    assertExit(await wallet.pay("/two"), 3);
    await until("the next one is told", () => receiver.taken().length === 2, 30_000);
    stop();
    assert.deepEqual(said(await following), { told: 0, left: 0 });
    assert.deepEqual(receiver.got.map(({ status }) => status), [503, 503, 204, 204]);
  });

  test("that has taken an alert from a process that was killed is told again, by the same id", async (t) => {
    const receiver = await startReceiver(t);
    const wallet = await walletWith(t, webhook(receiver.url));
    receiver.hold.on = true;
    const run = await wallet.run(["pay", `${seller.url}/page`], {
      env,
      onStart: (child) => void until("it is told", () => receiver.got.length > 0).then(() => child.kill("SIGKILL")),
    });
    assert.equal(run.signal, "SIGKILL");
    receiver.hold.on = false;
    assert.deepEqual(said(await wallet.tell()), { told: 1, left: 0 });
    assert.equal(new Set(receiver.taken().map(({ id }) => id)).size, 1);
  });

  test("that refuses an alert for what it is does not stop the next", async (t) => {
    const receiver = await startReceiver(t, [422]);
    const wallet = await walletWith(t, webhook(receiver.url));
    assertExit(await wallet.pay("/one"), 3);
    assertExit(await wallet.pay("/two"), 3);
    assert.deepEqual(receiver.got.map(({ status }) => status), [422, 204]);
  });

  test("that is dead stops no payment and no other sink", async (t) => {
    const wallet = await walletWith(t, `${webhook("http://127.0.0.1:1")}\n[[alert]]\nname = "file"\nlog = "FILE"\n`, approved);
    const file = `${wallet.folder}/alerts.log`;
    const settings = await readFile(`${wallet.folder}/wallet.toml`, "utf8");
    await writeFile(`${wallet.folder}/wallet.toml`, settings.replace("FILE", file));
    assertExit(await wallet.pay("/moved"), 0);
    assertExit(await wallet.pay("/moved"), 3);
    const lines = (await readFile(file, "utf8")).trim().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(lines.map(({ alert }) => alert), ["approval_wanted", "pay_to_changed"]);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const run = await wallet.tell();
    assertExit(run, 4);
    assert.deepEqual(JSON.parse(run.stdout), { told: 0, left: 2 });
  });
});

test("a command gets the alert on its stdin, no shell and no password", async (t) => {
  const wallet = await walletWith(t, "");
  const out = `${wallet.folder}/out`;
  const words = ["sh", "-c", 'cat > "$0"; env >> "$0"; echo "$1" >> "$0"', out, "$(id); `id`"];
  await writeFile(`${wallet.folder}/wallet.toml`, `[[alert]]\nname = "pager"\ncommand = ${JSON.stringify(words)}\n`);
  assertExit(await wallet.pay(), 3);
  const [line, ...rest] = (await readFile(out, "utf8")).split("\n");
  assert.equal(JSON.parse(line).alert, "approval_wanted");
  assert.ok(rest.includes("$(id); `id`"));
  assert.doesNotMatch(rest.join("\n"), /only a test|ALERT_SECRET|FARTHING/);
});

test("a command that fails, or does not end, is tried again", async (t) => {
  const wallet = await walletWith(t, '[[alert]]\nname = "pager"\ncommand = ["false"]\n');
  assertExit(await wallet.pay(), 3);
  await writeFile(`${wallet.folder}/wallet.toml`, '[[alert]]\nname = "pager"\ncommand = ["sleep", "600"]\ntimeout = "200ms"\n');
  const late = await wallet.tell();
  assertExit(late, 4);
  assert.match(late.stderr, /alert_not_told.*timed_out/);
  await writeFile(`${wallet.folder}/wallet.toml`, '[[alert]]\nname = "pager"\ncommand = ["true"]\n');
  assert.deepEqual(said(await wallet.tell()), { told: 1, left: 0 });
});

describe("the ledger has an alert for", () => {
  const alertsOf = async (wallet) => (await wallet.entries(["--kind", "alert"])).map(({ name }) => name);

  test("a price that rises", async (t) => {
    const wallet = await walletWith(t, "", approved);
    assertExit(await wallet.pay("/dearer"), 0);
    assertExit(await wallet.pay("/dearer"), 3);
    assert.deepEqual(await alertsOf(wallet), ["approval_wanted", "price_drift"]);
  });

  test("a new vendor that was let in, and none for one that the pact names", async (t) => {
    const wallet = await walletWith(t, "");
    const { approval } = errorOf(await wallet.pay());
    assertExit(await wallet.asOperator(["approvals", "approve", String(approval.id)]), 0);
    assertExit(await wallet.pay(), 0);
    assert.deepEqual(await alertsOf(wallet), ["approval_wanted", "new_vendor"]);
    const named = await walletWith(t, "", approved);
    assertExit(await named.pay(), 0);
    assert.deepEqual(await alertsOf(named), []);
  });

  test("a limit that is nearly used up", async (t) => {
    const wallet = await walletWith(t, "", ["--limit", "$0.002", "--vendor", "127.0.0.1:*"]);
    assertExit(await wallet.pay(), 0);
    assertExit(await wallet.pay(), 0);
    assert.deepEqual(await alertsOf(wallet), ["threshold"]);
  });

  test("many refusals in a short time, once", async (t) => {
    const wallet = await walletWith(t, "", ["--limit", "$0.05", "--vendor", "shop.example"]);
    for (let n = 0; n < 7; ++n) assertExit(await wallet.pay(), 3);
    const alerts = await wallet.entries(["--kind", "alert"]);
    assert.deepEqual(alerts.map(({ name }) => name), ["refusal_burst"]);
    assert.equal(alerts[0].text, "5 payments refused within 10 minutes, the last for vendors");
  });
});

describe("wallet.toml that cannot be right is said so, and nothing is paid", () => {
  const cases = [
    { name: "an unknown setting", text: 'pay = "everything"\n', why: /pay/ },
    { name: "an unknown alert", text: '[[alert]]\nname = "a"\nlog = "-"\ntake = ["alarm"]\n', why: /alert\[0\]\.take\[0\]: expected one of threshold/ },
    { name: "no way to tell", text: '[[alert]]\nname = "a"\n', why: /one of webhook, command and log/ },
    { name: "two ways", text: '[[alert]]\nname = "a"\nlog = "-"\ncommand = ["true"]\n', why: /one of webhook, command and log/ },
    { name: "two of a name", text: '[[alert]]\nname = "a"\nlog = "-"\n[[alert]]\nname = "a"\nlog = "-"\n', why: /twice/ },
    { name: "a webhook that everybody reads", text: webhook("http://example.com"), why: /expected https/ },
    { name: "a webhook without a secret", text: '[[alert]]\nname = "a"\nwebhook = "https://example.com"\n', why: /secret/ },
    { name: "no amount", text: 'balance_low = "much"\n', why: /balance_low/ },
  ];
  for (const { name, text, why } of cases) {
    test(name, async (t) => {
      const wallet = await walletWith(t, text, approved);
      seller.forget();
      const run = await wallet.pay();
      assertExit(run, 2);
      assert.match(errorOf(run).detail, why);
      assert.deepEqual(seller.payments(), []);
    });
  }
});
