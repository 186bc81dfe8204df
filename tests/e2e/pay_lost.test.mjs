// SPDX-License-Identifier: Apache-2.0
// `farthing pay` when the answer to a payment is lost, late or a lie: one signature per call, the same bytes every time it
// is sent again, and exit code 5 whenever the money may have moved.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { generatePrivateKey } from "../interop/lib/packages.mjs";
import { PAID_MARKER, PRICE_ATOMIC } from "../interop/lib/origin.mjs";
import { startWorldWith } from "../interop/lib/world.mjs";
import { startCutter } from "./lib/cutter.mjs";
import { route, startGateway } from "./lib/gateway.mjs";
import { answer, startScriptedOrigin } from "./lib/origin.mjs";
import { assertCanBeFoundOut, assertExit, errorOf, pay } from "./lib/pay.mjs";
import { ask, deliver, offer, receiptFor, SOME_TRANSACTION, startSeller } from "./lib/seller.mjs";
import { encodeHeader } from "../interop/lib/craft.mjs";
import { gate, until } from "./lib/wait.mjs";

const key = generatePrivateKey();

let seller;
before(async () => {
  seller = await startSeller({});
});
after(() => seller?.close());

/// A page of the scripted seller: `paid(request, response, payment, n)` answers the n-th paid request, from 1.
function page(path, paid) {
  let n = 0;
  seller.pages[path] = (request, response, { payment }) => {
    if (payment === undefined) return ask(response);
    n += 1;
    return paid(request, response, payment, n);
  };
  return seller.url + path;
}

const paymentsAt = (path) => seller.at(path).map(({ payment }) => payment).filter((each) => each !== undefined);
const cut = (request) => request.socket.resetAndDestroy();

/// The payment was sent `times` times, and signed once.
function assertSameBytes(path, times) {
  const sent = paymentsAt(path);
  assert.equal(sent.length, times);
  assert.equal(new Set(sent).size, 1, "the same PAYMENT-SIGNATURE every time");
}

// Each waits for its seller most of the time, so they wait together.
describe("a seller that does not deliver", { concurrency: true }, () => {
  test("one that answers 402 for ever is paid at most once", async () => {
    const url = page("/forever", (_request, response) => ask(response, [offer()], "once more, please"));
    const run = await pay([url], { key });
    assertExit(run, 3);
    const { code, detail } = errorOf(run);
    assert.equal(code, "payment_rejected");
    assert.match(detail, /once more, please/);
    assertSameBytes("/forever", 1);
  });

  test("one that asks for more each time is paid at most once", async () => {
    const url = page("/rising", (_request, response, _payment, n) => ask(response, [offer({ amount: String(1000 + n) })]));
    assertExit(await pay([url], { key }), 3);
    assertSameBytes("/rising", 1);
  });

  test("one whose settlement failed says why: exit 3", async () => {
    const url = page("/failed", (_request, response, payment) => {
      const receipt = receiptFor(payment, { success: false, errorReason: "invalid_exact_evm_insufficient_balance", transaction: "" });
      response.writeHead(402, { "payment-response": receipt });
      response.end("{}");
    });
    const run = await pay([url], { key });
    assertExit(run, 3);
    assert.match(errorOf(run).detail, /invalid_exact_evm_insufficient_balance/);
  });

  test("one that delivers without a receipt: the goods, and a warning", async () => {
    const url = page("/silent", (_request, response) => response.end("the goods\n"));
    const run = await pay([url], { key });
    assertExit(run, 0);
    assert.equal(run.stdout, "the goods\n");
    assert.equal(JSON.parse(run.stderr).warning.code, "receipt_missing");
  });

  test("one that says pending is asked again with the same payment until it delivers", async () => {
    const url = page("/pending", (_request, response, payment, n) => {
      if (n > 2) return deliver(response, payment);
      const receipt = receiptFor(payment, { success: false, errorReason: "settlement_pending" });
      response.writeHead(503, { "payment-response": receipt, "retry-after": "1" });
      return response.end();
    });
    const run = await pay([url], { key });
    assertExit(run, 0);
    assert.equal(run.stdout, "the goods\n");
    assertSameBytes("/pending", 3);
  });

  test("one that is busy with the first sending is waited for", async () => {
    const url = page("/in-flight", (request, response, payment, n) => {
      if (n === 1) return cut(request);
      if (n > 3) return deliver(response, payment);
      response.writeHead(409, { "retry-after": "1", "content-type": "application/json" });
      return response.end('{"error":"payment_in_flight"}');
    });
    assertExit(await pay([url], { key }), 0);
    assertSameBytes("/in-flight", 4);
  });
});

describe("a line that is cut", { concurrency: true }, () => {
  test("after the payment was sent: the same bytes again, and the goods", async () => {
    const url = page("/cut-once", (request, response, payment, n) => (n === 1 ? cut(request) : deliver(response, payment)));
    const run = await pay([url], { key });
    assertExit(run, 0);
    assert.equal(run.stdout, "the goods\n");
    assertSameBytes("/cut-once", 2);
  });

  test("every time: exit 5, after a few sendings of one payment", async () => {
    const url = page("/cut-always", cut);
    const run = await pay([url], { key });
    assertExit(run, 5);
    const { code, detail, kind } = errorOf(run);
    assert.deepEqual({ code, kind }, { code: "outcome_unknown", kind: "unknown" });
    assert.match(detail, /may have been made/);
    assertSameBytes("/cut-always", 4);
    assertCanBeFoundOut(run, paymentsAt("/cut-always")[0]);
  });

  test("and then a refusal: exit 5, for the first sending may have been taken", async () => {
    const url = page("/cut-refused", (request, response, _payment, n) =>
      n === 1 ? cut(request) : ask(response, [offer()], "invalid_exact_evm_nonce_already_used"),
    );
    const run = await pay([url], { key });
    assertExit(run, 5);
    assert.match(errorOf(run).detail, /invalid_exact_evm_nonce_already_used/);
    assertSameBytes("/cut-refused", 2);
  });

  test("in the middle of the body: exit 5 with the transaction, or the whole body, never half with exit 0", async () => {
    const url = page("/half", (request, response, payment) => {
      response.writeHead(200, { "payment-response": receiptFor(payment), "content-length": 100 });
      response.write("half", () => request.socket.resetAndDestroy());
    });
    const run = await pay([url, "--json"], { key });
    assertExit(run, 5);
    assert.ok(errorOf(run).detail.includes(SOME_TRANSACTION), run.stderr);
    assert.equal(new Set(paymentsAt("/half")).size, 1);
  });

  test("before anything was paid: exit 4", async () => {
    seller.pages["/cut-unpaid"] = cut;
    assertExit(await pay([`${seller.url}/cut-unpaid`], { key }), 4);
  });

  test("by our own deadline after the payment was sent: exit 5", async () => {
    const url = page("/late", () => {});
    const run = await pay([url, "--max-time", "500ms"], { key });
    assertExit(run, 5);
    assertSameBytes("/late", 1);
    assertCanBeFoundOut(run, paymentsAt("/late")[0]);
  });

  for (const signal of ["SIGINT", "SIGTERM"]) {
    test(`by ${signal}: 130 before the payment was sent, 5 after it`, async () => {
      const path = `/interrupted-${signal}`;
      seller.pages[path] = () => {};
      const interrupted = (url, seen) =>
        pay([url], { key, onStart: (child) => until("the request is there", seen).then(() => child.kill(signal)) });
      assertExit(await interrupted(seller.url + path, () => seller.at(path).length === 1), 130);
      const paid = `${path}-paid`;
      const run = await interrupted(page(paid, () => {}), () => paymentsAt(paid).length === 1);
      assertExit(run, 5);
      assert.match(errorOf(run).detail, /may have been made/);
      assertCanBeFoundOut(run, paymentsAt(paid)[0]);
    });
  }
});

describe("a receipt that lies", { concurrency: true }, () => {
  const other = `0x${"99".repeat(20)}`;
  const lies = [
    { name: "of another payer", receipt: (payment) => receiptFor(payment, { payer: other }), says: /\.payer/ },
    { name: "of another network", receipt: (payment) => receiptFor(payment, { network: "eip155:1" }), says: /\.network/ },
    { name: "that says failure with the goods", receipt: (payment) => receiptFor(payment, { success: false }), says: /\.success/ },
    { name: "without a transaction", receipt: (payment) => receiptFor(payment, { transaction: "" }), says: /\.transaction/ },
    { name: "with a transaction of zeros", receipt: (payment) => receiptFor(payment, { transaction: `0x${"0".repeat(64)}` }), says: /\.transaction/ },
    { name: "of more than was signed", receipt: (payment) => receiptFor(payment, { amount: "1001" }), says: /\.amount/ },
    { name: "that is no base64", receipt: () => "%%%", says: /base64/ },
    { name: "that is no JSON", receipt: () => Buffer.from("thanks").toString("base64"), says: /receipt/ },
    { name: "of the wrong shape", receipt: () => encodeHeader({ success: "yes" }), says: /receipt/ },
    { name: "that is there twice and differs", receipt: (payment) => [receiptFor(payment), receiptFor(payment, { payer: other })], says: /twice/ },
  ];
  lies.forEach(({ name, receipt, says }, i) => {
    test(`${name}: exit 5`, async () => {
      const url = page(`/lie-${i}`, (_request, response, payment) => {
        response.writeHead(200, { "payment-response": receipt(payment) });
        response.end("the goods\n");
      });
      const run = await pay([url], { key });
      assertExit(run, 5);
      const { code, detail } = errorOf(run);
      assert.equal(code, "receipt_invalid");
      assert.match(detail, says);
      assertSameBytes(`/lie-${i}`, 1);
    });
  });

  test("on a 402: exit 5", async () => {
    const url = page("/lie-402", (_request, response, payment) => {
      response.writeHead(402, { "payment-response": receiptFor(payment) });
      response.end();
    });
    assertExit(await pay([url], { key }), 5);
  });

  test("an honest one without a payer is believed", async () => {
    const url = page("/honest", (_request, response, payment) => deliver(response, payment, "the goods\n", {
      "payment-response": receiptFor(payment, { payer: undefined }),
    }));
    assertExit(await pay([url], { key }), 0);
  });
});

describe("with a real gateway and a real chain behind the line", () => {
  const FUNDS = 10_000n;
  let world;
  let origin;
  let gateway;
  let payer;
  before(async () => {
    const started = await startWorldWith(async (w) => {
      origin = await startScriptedOrigin({});
      w.defer(origin.close);
      gateway = await startGateway({
        originUrl: origin.url,
        facilitator: { rpc: w.rpc, account: w.nextGasAccount() },
        routes: [route("GET /goods", w.chain.freshAddress())],
      });
      w.defer(gateway.stop);
    });
    world = started.world;
  });
  after(() => world?.stop());
  beforeEach(async () => {
    origin.seen().splice(0);
    origin.handlers["/goods"] = answer(PAID_MARKER);
    payer = await world.chain.freshPayer(FUNDS);
  });

  const spent = async () => FUNDS - (await world.chain.balanceOf(payer.address));
  /// What every connection said, and the payments in it.
  const paymentsIn = (texts) => [...texts.values()].flatMap((text) => [...text.matchAll(/PAYMENT-SIGNATURE: (\S+)/gi)].map(([, value]) => value));

  async function buyThrough(line) {
    const run = await pay([`${line.url}/goods`, "--json"], { key: payer.key });
    await line.close();
    return run;
  }

  function assertServed(run) {
    assertExit(run, 0);
    const { body, receipt } = JSON.parse(run.stdout);
    assert.deepEqual({ body, receipt }, { body: PAID_MARKER, receipt: "verified" });
  }

  test("cut before the payment reaches it: sent again, paid once", async () => {
    let cuts = 0;
    const seen = new Map();
    const line = await startCutter(gateway.url, (text, id) => {
      seen.set(id, text);
      return text.includes("PAYMENT-SIGNATURE") && text.endsWith("\r\n\r\n") && ++cuts === 1;
    });
    assertServed(await buyThrough(line));
    assert.equal(await spent(), PRICE_ATOMIC);
    assert.equal(origin.runs("/goods"), 1);
    const payments = paymentsIn(seen);
    assert.equal(payments.length, 2);
    assert.equal(new Set(payments).size, 1, "the same bytes");
  });

  test("cut while the origin works: sent again, paid once, served once", async () => {
    const seen = new Map();
    const line = await startCutter(gateway.url, (text, id) => void seen.set(id, text));
    const settled = gate();
    origin.handlers["/goods"] = (request, response) => {
      line.cut();
      answer(PAID_MARKER)(request, response);
      settled.open();
    };
    assertServed(await buyThrough(line));
    await settled.promise;
    assert.equal(await spent(), PRICE_ATOMIC);
    assert.equal(origin.runs("/goods"), 1, "the answer was kept for the payment");
    const payments = paymentsIn(seen);
    assert.ok(payments.length >= 2);
    assert.equal(new Set(payments).size, 1, "the same bytes");
  });

  test("cut while a slow origin works: the second sending waits for the first", async () => {
    const line = await startCutter(gateway.url);
    const refusals = gateway.stderr().length;
    origin.handlers["/goods"] = async (request, response) => {
      line.cut();
      await until("it was sent again meanwhile", () => gateway.stderr().slice(refusals).includes("payment_in_flight"));
      answer(PAID_MARKER)(request, response);
    };
    assertServed(await buyThrough(line));
    assert.equal(await spent(), PRICE_ATOMIC);
    assert.equal(origin.runs("/goods"), 1);
  });

  test("cut on the answer's way: paid once, and the exit code says that it may have been", async () => {
    const line = await startCutter(gateway.url, () => false, (text) => /\r\nPAYMENT-RESPONSE:/i.test(text));
    const run = await buyThrough(line);
    assertExit(run, 5);
    assert.match(errorOf(run).detail, /may have been made|do not/);
    assert.equal(await spent(), PRICE_ATOMIC);
    assert.equal(origin.runs("/goods"), 1);
  });
});
