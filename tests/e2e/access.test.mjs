// SPDX-License-Identifier: Apache-2.0
// Who may use a facilitator: API keys, allow-lists, rate limits and screening, asked directly and through a gateway that
// has a key, a wrong one, or none.

import assert from "node:assert/strict";
import http from "node:http";
import { rename, writeFile } from "node:fs/promises";
import { after, afterEach, before, describe, test } from "node:test";
import { NETWORK } from "../interop/lib/chain.mjs";
import { craftPayload, requirements } from "../interop/lib/craft.mjs";
import { networkTable, startRole, toml } from "../interop/lib/farthing.mjs";
import { listen } from "../interop/lib/http.mjs";
import { HTTPFacilitatorClient } from "../interop/lib/packages.mjs";
import { startWorldWith } from "../interop/lib/world.mjs";
import { makeFolder } from "./lib/files.mjs";
import { route, startGateway } from "./lib/gateway.mjs";
import { answer, readAll, startScriptedOrigin } from "./lib/origin.mjs";
import { assertExit, errorOf, farthing } from "./lib/pay.mjs";
import { buy, receiptOf, signedPayment } from "./lib/till.mjs";
import { until } from "./lib/wait.mjs";

const SLOW = `{ rate = 1, per = "1h", burst = 2 }`;

let world;
let payTo;
let origin;
let folder;
let gas;
before(async () => {
  const started = await startWorldWith(async (w) => {
    payTo = w.chain.freshAddress();
    gas = w.nextGasAccount();
    folder = await makeFolder();
    w.defer(folder.remove);
    origin = await startScriptedOrigin({ "/goods": answer("the goods\n") });
    w.defer(origin.close);
  });
  world = started.world;
});
after(() => world.stop());

let stops = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/// A facilitator whose file ends with `more`; `top` stands before its tables.
async function startFacilitator(more, top = "") {
  const config = `listen = "127.0.0.1:0"
store = "memory"
${top}
${networkTable("network", world.rpc)}poll_interval = "20ms"
${more}`;
  const role = await startRole("facilitator", config, { FARTHING_FACILITATOR_KEY: gas.key });
  stops.push(role.stop);
  return role;
}

async function newKey() {
  const run = await farthing(["apikey", "new"]);
  assertExit(run, 0);
  return JSON.parse(run.stdout);
}
const keyTable = (name, { hash }, more = "") => `[[api_key]]\nname = ${toml(name)}\nhash = ${toml(hash)}\n${more}\n`;

/// A gateway that uses `facilitator`, with a key when one is given.
async function startShop(facilitator, key) {
  const header =
    key &&
    `[[facilitator.header]]\nname = "Authorization"\nvalue = { file = ${toml(await folder.write("bearer", `Bearer ${key}`))} }`;
  const gateway = await startGateway({
    originUrl: origin.url,
    facilitator: { url: facilitator.url },
    routes: [route("GET /goods", payTo)],
    settle: header ?? "",
  });
  stops.push(gateway.stop);
  return gateway;
}

async function newRequest(to = payTo) {
  const { key, address } = await world.chain.freshPayer(10_000n);
  const accepted = requirements(to);
  const paymentPayload = await craftPayload({ key, payTo: to, accepted });
  return { payer: address, body: { x402Version: 2, paymentPayload, paymentRequirements: accepted } };
}

async function ask(facilitator, endpoint, { body }, headers = {}) {
  const response = await fetch(`${facilitator.url}/${endpoint}`, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: response.status, headers: response.headers, body: await response.json() };
}
const bearer = ({ key }) => ({ authorization: `Bearer ${key}` });

async function metric(facilitator, name) {
  const text = await (await fetch(`${facilitator.url}/metrics`)).text();
  const line = text.split("\n").find((each) => each.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.split(" ").at(-1));
}

describe("API keys", () => {
  test("a made key opens what its hash guards, and `apikey hash` gives the same hash", async () => {
    const key = await newKey();
    const hashed = await farthing(["apikey", "hash"], { input: `${key.key}\n` });
    assertExit(hashed, 0);
    assert.equal(hashed.stdout.trim(), key.hash);
    const wrong = await farthing(["apikey", "hash"], { input: "password\n" });
    assertExit(wrong, 2);
    assert.ok(!errorOf(wrong).detail.includes("password"));

    const facilitator = await startFacilitator(keyTable("shop", key));
    const payment = await newRequest();
    const none = await ask(facilitator, "verify", payment);
    assert.deepEqual([none.status, none.headers.get("www-authenticate")], [401, "Bearer"]);
    assert.equal(none.body.error, "api_key_invalid");
    const other = await ask(facilitator, "settle", payment, bearer(await newKey()));
    assert.equal(other.status, 401);
    assert.equal((await ask(facilitator, "verify", payment, bearer(key))).body.isValid, true);
    assert.equal((await ask(facilitator, "settle", payment, { "x-api-key": key.key })).body.success, true);
    for (const open of ["supported", "healthz", "readyz", "metrics"]) {
      assert.equal((await fetch(`${facilitator.url}/${open}`)).status, 200, open);
    }
    assert.equal(await metric(facilitator, 'farthing_facilitator_refused_total{reason="no_key"}'), 1);
    assert.equal(await metric(facilitator, 'farthing_facilitator_refused_total{reason="bad_key"}'), 1);
    assert.ok(!facilitator.output().includes(key.key));
  });

  test("a key is good for its own payees only", async () => {
    const key = await newKey();
    const facilitator = await startFacilitator(keyTable("shop", key, `pay_to = [${toml(payTo)}]`));
    const other = world.chain.freshAddress();
    const refused = await ask(facilitator, "settle", await newRequest(other), bearer(key));
    assert.equal(refused.status, 403);
    assert.deepEqual([refused.body.error, refused.body.field], ["not_allowed", "payTo"]);
    assert.equal(await world.chain.balanceOf(other), 0n);
    assert.equal((await ask(facilitator, "verify", await newRequest(), bearer(key))).body.isValid, true);
  });

  test("a gateway with the key sells", async () => {
    const key = await newKey();
    const facilitator = await startFacilitator(keyTable("shop", key));
    const shop = await startShop(facilitator, key.key);
    const payment = await signedPayment(world.chain, payTo);
    const bought = await buy(`${shop.url}/goods`, payment);
    assert.equal(bought.status, 200, bought.text);
    assert.equal(receiptOf(bought).success, true);
  });

  test("a gateway without it, or with another one: the payer is never told that the payment is bad", async () => {
    const facilitator = await startFacilitator(keyTable("shop", await newKey()));
    for (const key of [undefined, (await newKey()).key]) {
      const shop = await startShop(facilitator, key);
      const payment = await signedPayment(world.chain, payTo);
      const runs = origin.runs("/goods");
      const refused = await buy(`${shop.url}/goods`, payment);
      assert.equal(refused.status, 502, refused.text);
      assert.equal(receiptOf(refused), undefined);
      assert.equal(origin.runs("/goods"), runs);
      assert.equal(await payment.spent(), 0n);
    }
  });
});

describe("rate limits", () => {
  test("beyond them: 429 with Retry-After; a gateway says 503, and never that the payment is bad", async () => {
    const key = await newKey();
    const facilitator = await startFacilitator(keyTable("shop", key, `rate_limit = ${SLOW}`));
    const shop = await startShop(facilitator, key.key);
    const first = await signedPayment(world.chain, payTo);
    assert.equal((await buy(`${shop.url}/goods`, first)).status, 200);
    const second = await signedPayment(world.chain, payTo);
    const busy = await buy(`${shop.url}/goods`, second);
    assert.equal(busy.status, 503, busy.text);
    assert.ok(Number(busy.headers["retry-after"]) >= 1);
    assert.equal(await second.spent(), 0n);
    const direct = await ask(facilitator, "verify", await newRequest(), bearer(key));
    assert.equal(direct.status, 429);
    const wait = direct.headers.get("retry-after");
    assert.match(wait, /^[1-9]\d*$/);
    assert.ok(Number(wait) <= 3600, wait);
    assert.equal(direct.body.error, "rate_limited");
  });

  test("between verify and settle: nothing was sent, and the same payment buys later", async () => {
    const key = await newKey();
    const facilitator = await startFacilitator(
      keyTable("shop", key, `rate_limit = { rate = 1, per = "1h", burst = 1 }`),
    );
    const shop = await startShop(facilitator, key.key);
    const payment = await signedPayment(world.chain, payTo);
    const late = await buy(`${shop.url}/goods`, payment);
    assert.equal(late.status, 502, late.text);
    assert.equal(await payment.spent(), 0n);
    const roomy = await startFacilitator("");
    const other = await startShop(roomy);
    assert.equal((await buy(`${other.url}/goods`, payment)).status, 200);
  });

  test("of an address and of a payer", async () => {
    const facilitator = await startFacilitator(`[rate_limits]\npayer = ${SLOW}\n`);
    const payment = await newRequest();
    assert.equal((await ask(facilitator, "verify", payment)).status, 200);
    assert.equal((await ask(facilitator, "settle", payment)).status, 200);
    assert.equal((await ask(facilitator, "settle", payment)).status, 429);
    assert.equal((await ask(facilitator, "verify", await newRequest())).status, 200);
    const crowded = await startFacilitator(`[rate_limits]\nclient = ${SLOW}\n`, `trusted_proxies = ["127.0.0.1"]`);
    const from = (address) => ask(crowded, "verify", payment, { "x-forwarded-for": address });
    assert.deepEqual(
      [(await from("192.0.2.1")).status, (await from("192.0.2.1")).status, (await from("192.0.2.1")).status],
      [200, 200, 429],
    );
    assert.equal((await from("192.0.2.2")).status, 200);
    assert.equal(await metric(crowded, 'farthing_facilitator_refused_total{reason="client_rate"}'), 1);
  });
});

describe("the reference's facilitator client", () => {
  test("with a key is served; without one, or too often, it hears of no verdict on the payment", async () => {
    const key = await newKey();
    const facilitator = await startFacilitator(keyTable("shop", key, `rate_limit = ${SLOW}`));
    const { body } = await newRequest();
    const headers = { Authorization: `Bearer ${key.key}` };
    const createAuthHeaders = async () => ({ verify: headers, settle: headers, supported: {} });
    const known = new HTTPFacilitatorClient({ url: facilitator.url, createAuthHeaders });
    const stranger = new HTTPFacilitatorClient({ url: facilitator.url });
    const asking = (client, what) => client[what](body.paymentPayload, body.paymentRequirements);
    assert.equal((await asking(known, "verify")).isValid, true);
    assert.equal((await asking(known, "settle")).success, true);
    for (const what of ["verify", "settle"]) {
      const isNoVerdict = (status) => (error) =>
        error.message.startsWith(`Facilitator ${what} failed (${status})`) && error.invalidReason === undefined;
      await assert.rejects(asking(known, what), isNoVerdict(429));
      await assert.rejects(asking(stranger, what), isNoVerdict(401));
    }
  });
});

describe("screening", () => {
  test("a payer on the list is refused, from the moment it is put there", async () => {
    const file = await folder.write("refused.txt", "# nobody yet\n");
    const facilitator = await startFacilitator(`[screening]\nfile = ${toml(file)}\nfile_check_interval = "1h"\n`);
    const payment = await newRequest();
    assert.equal((await ask(facilitator, "verify", payment)).body.isValid, true);
    await writeFile(`${file}.new`, `${payment.payer} # found out\n`);
    await rename(`${file}.new`, file);
    facilitator.signal("SIGHUP");
    const settled = await until("the list is taken over", async () => {
      const { status, body } = await ask(facilitator, "verify", payment);
      assert.equal(status, 200);
      return !body.isValid && body;
    });
    assert.equal(settled.invalidReason, "screening_refused");
    const refused = await ask(facilitator, "settle", payment);
    assert.equal(refused.status, 200);
    assert.deepEqual(
      [refused.body.success, refused.body.errorReason, refused.body.transaction, refused.body.network],
      [false, "screening_refused", "", NETWORK],
    );
    // A list with a fault is not taken over; the process goes on with the one before.
    await writeFile(file, "0x12\n");
    facilitator.signal("SIGHUP");
    await until("it says so", () => facilitator.stderr().includes('"event":"screening_list_rejected"'));
    assert.equal((await ask(facilitator, "verify", payment)).body.isValid, false);
  });

  test("a service is asked; one that is down refuses, or allows where that is configured", async () => {
    let say = { allowed: true };
    const asked = [];
    const server = http.createServer(async (request, response) => {
      asked.push(JSON.parse(await readAll(request)));
      if (say === undefined) return request.socket.destroy();
      response.setHeader("content-type", "application/json");
      return response.end(JSON.stringify(say));
    });
    const screener = await listen(server);
    stops.push(screener.close);
    const screening = (more) => `[screening]\nurl = ${toml(`${screener.url}/screen`)}\ncache_for = "0s"\n${more}`;
    const strict = await startFacilitator(screening(""));
    const payment = await newRequest();
    assert.equal((await ask(strict, "verify", payment)).body.isValid, true);
    const { network, amount, asset } = payment.body.paymentRequirements;
    assert.deepEqual(asked, [{ network, payer: payment.payer, payTo, asset, amount }]);
    say = { allowed: false, reason: "not this one" };
    const refused = await ask(strict, "settle", payment);
    assert.deepEqual(
      [refused.status, refused.body.errorReason, refused.body.errorMessage],
      [200, "screening_refused", "not this one"],
    );
    say = undefined;
    const down = await ask(strict, "settle", payment);
    assert.deepEqual([down.status, down.body.success, down.body.transaction], [503, false, ""]);
    assert.match(down.body.errorMessage, /^screening_failed: /);
    const lenient = await startFacilitator(screening(`on_error = "allow"\n`));
    assert.equal((await ask(lenient, "settle", payment)).body.success, true);
  });

  test("the facilitator within a gateway screens too", async () => {
    const file = await folder.write("embedded.txt", `${payTo}\n`);
    const gateway = await startGateway({
      originUrl: origin.url,
      facilitator: { rpc: world.rpc, account: gas },
      routes: [route("GET /goods", payTo)],
      settle: `store = "memory"\nscreening = { file = ${toml(file)} }`,
    });
    stops.push(gateway.stop);
    const payment = await signedPayment(world.chain, payTo);
    const runs = origin.runs("/goods");
    const refused = await buy(`${gateway.url}/goods`, payment);
    assert.equal(refused.status, 402, refused.text);
    assert.equal(origin.runs("/goods"), runs);
    assert.equal(await payment.spent(), 0n);
  });
});
