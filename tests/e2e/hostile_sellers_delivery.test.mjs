// SPDX-License-Identifier: Apache-2.0
// Sellers that take the money and give something else: a false receipt, half of an answer, another wall, or words.

import assert from "node:assert/strict";
import { ask, deliver, offer, offerV1, PAY_TO, receiptFor, requiredHeader } from "./lib/seller.mjs";
import { openStage, pass, relays, sells } from "./lib/stage.mjs";

const kind = openStage();
const times = (count, value) => Array(count).fill(value);
const once = [["1000", PAY_TO]];
const paidGets = (answer) => (_request, response, { payment }) =>
  payment === undefined ? ask(response) : answer(response, payment);
const says = (code, headers, body) => (_request, response) => {
  response.writeHead(code, headers);
  response.end(body);
};
/// Delivers with a receipt that is wrong in these members.
const lies = (changes) => paidGets((response, payment) =>
  deliver(response, payment, "the goods\n", { "payment-response": receiptFor(payment, changes) }));
const nothingCame = (_stage, [run]) => assert.equal(run.stdout, "");
const falseReceipt = (name, changes, pattern) => ({
  name,
  pages: () => ({ "/page": lies(changes) }),
  exits: [5],
  errors: [["receipt_invalid", pattern]],
  signed: once,
  story: ["allow signed"],
  then: nothingCame,
});
/// What is still reserved counts against the limit.
const stillCounts = async ({ wallet }) => {
  const limit = JSON.parse((await wallet.run(["budget"])).stdout.split("\n")[0]);
  assert.equal(limit.used, "$0.001");
};

kind("fake delivery", {
  hostile: [
    {
      name: "the goods without a receipt: the money stays reserved",
      pages: () => ({ "/page": paidGets((response) => response.end("the goods\n")) }),
      signed: once,
      story: ["allow signed"],
      then: stillCounts,
    },
    falseReceipt("a receipt of a payment that failed", { success: false, errorReason: "insufficient_funds" }, /success/),
    falseReceipt("a receipt for more than was signed", { amount: "1001" }, /amount/),
    falseReceipt("a receipt of another network", { network: "eip155:8453" }, /network/),
    falseReceipt("a receipt without a transaction", { transaction: "" }, /transaction/),
    falseReceipt("a receipt of no transaction", { transaction: `0x${"0".repeat(64)}` }, /transaction/),
    {
      name: "two receipts that differ",
      pages: () => ({
        "/page": paidGets((response, payment) =>
          deliver(response, payment, "the goods\n", {
            "payment-response": [receiptFor(payment), receiptFor(payment, { transaction: `0x${"ef".repeat(32)}` })],
          })),
      }),
      exits: [5],
      errors: ["receipt_invalid"],
      signed: once,
      story: ["allow signed"],
      then: nothingCame,
    },
    {
      name: "half of the goods",
      pages: () => ({
        "/page": paidGets((response, payment) => {
          response.writeHead(200, { "payment-response": receiptFor(payment), "content-length": "1000" });
          response.write("half of ");
          response.socket.end();
        }),
      }),
      exits: [5],
      errors: ["outcome_unknown"],
      signed: once,
      story: ["allow settled undelivered"],
    },
    {
      name: "an error with the receipt of the money that it took",
      pages: ({ goods }) => ({
        "/page": relays(goods, (response, { status, headers }) =>
          pass(response, { status: status === 200 ? 500 : status, headers, body: "sorry\n" })),
      }),
      signed: ({ payTo }) => [["1000", payTo]],
      story: ["allow settled undelivered"],
      spent: 1000n,
    },
    {
      name: "an error and no receipt, and the money was taken",
      pages: ({ goods }) => ({
        "/page": relays(goods, (response, { status, headers }) =>
          status === 200 ? pass(response, { status: 500, headers: {}, body: "sorry\n" }) : pass(response, { status, headers, body: "" })),
      }),
      signed: ({ payTo }) => [["1000", payTo]],
      story: ["allow signed"],
      spent: 1000n,
      then: stillCounts,
    },
  ],
  honest: [
    {
      name: "the goods with a receipt, from a real shop behind the same relay",
      pages: ({ goods }) => ({ "/page": relays(goods) }),
      signed: ({ payTo }) => [["1000", payTo]],
      story: ["allow settled"],
      spent: 1000n,
      then: (_stage, [run]) => assert.equal(run.stdout, "the goods\n"),
    },
    {
      name: "one receipt, said twice",
      pages: () => ({
        "/page": paidGets((response, payment) =>
          deliver(response, payment, "the goods\n", { "payment-response": [receiptFor(payment), receiptFor(payment)] })),
      }),
      signed: once,
      story: ["allow settled"],
    },
  ],
});

kind("ghost paywall", {
  hostile: [
    {
      name: "behind the wall is the same wall",
      pages: () => ({ "/page": (_request, response) => ask(response) }),
      exits: [3],
      errors: ["payment_rejected"],
      signed: once,
      story: ["allow signed"],
      then: nothingCame,
    },
    {
      name: "behind the wall is nothing",
      pages: () => ({ "/page": paidGets((response, payment) => {
        response.writeHead(404, { "payment-response": receiptFor(payment) });
        response.end("no such page\n");
      }) }),
      visits: [{ to: "/page", args: ["--fail"] }],
      exits: [22],
      signed: once,
      story: ["allow settled undelivered"],
    },
    {
      name: "behind the wall is the way to a login",
      pages: () => ({
        "/page": paidGets((response) => says(303, { location: "/login" })(undefined, response)),
        "/login": says(401, {}, "who are you?\n"),
      }),
      signed: once,
      story: ["allow signed"],
      then: ({ seller }) => assert.equal(seller.at("/login").length, 1),
    },
    {
      name: "a wall that takes nothing",
      pages: () => ({ "/page": says(402, { "payment-required": requiredHeader([]) }) }),
      exits: [3],
      errors: ["Payment required"],
      story: [],
    },
    {
      name: "a wall around every page of a tour",
      pages: () => ({
        "/page": paidGets((response, payment) => {
          response.writeHead(302, { location: "/2", "payment-response": receiptFor(payment) });
          response.end();
        }),
        "/2": (_request, response) => ask(response),
      }),
      visits: ["/page", "/page"],
      exits: [5, 5],
      errors: times(2, "outcome_unknown"),
      signed: times(2, ["1000", PAY_TO]),
      story: times(2, "allow settled undelivered"),
      then: ({ seller }) => assert.deepEqual(seller.at("/2").map(({ payment }) => payment), [undefined, undefined]),
    },
  ],
  honest: [
    {
      name: "behind the wall are the goods",
      pages: ({ goods }) => ({ "/page": relays(goods) }),
      signed: ({ payTo }) => [["1000", payTo]],
      story: ["allow settled"],
      spent: 1000n,
    },
    {
      name: "what was paid for is on the next page, which is free",
      pages: () => ({
        "/page": paidGets((response, payment) => {
          response.writeHead(302, { location: "/2", "payment-response": receiptFor(payment) });
          response.end();
        }),
        "/2": says(200, {}, "the goods\n"),
      }),
      signed: once,
      story: ["allow settled"],
      then: (_stage, [run]) => assert.equal(run.stdout, "the goods\n"),
    },
  ],
});

const PROSE = `<h1>Payment required</h1><p>Send 0.01 USDC on Base to ${PAY_TO} and come back.</p>`;
const html = { "content-type": "text/html" };

kind("payment asked in prose", {
  hostile: [
    {
      name: "a 402 that is a page for people",
      pages: () => ({ "/page": says(402, html, PROSE) }),
      exits: [3],
      errors: [["Payment required", /how to pay cannot be read/]],
      story: [],
    },
    {
      name: "an offer in an answer that asks for nothing",
      pages: () => ({
        "/page": says(200, { "payment-required": requiredHeader([offer()]) }, JSON.stringify({ x402Version: 1, accepts: [offerV1()] })),
      }),
      story: [],
      then: ({ seller }, [run]) => {
        assert.equal(JSON.parse(run.stdout).x402Version, 1, "the answer is handed over as it is");
        assert.equal(seller.seen().length, 1);
      },
    },
    {
      name: "an offer with another status",
      pages: () => ({ "/401": says(401, { "payment-required": requiredHeader([offer()]) }), "/403": says(403, { "payment-required": requiredHeader([offer()]) }), "/412": says(412, { "payment-required": requiredHeader([offer()]) }) }),
      visits: ["/401", "/403", "/412"],
      exits: [0, 0, 0],
      story: [],
    },
    {
      name: "another protocol's challenge, and a link to a till",
      pages: () => ({
        "/page": says(402, { ...html, "www-authenticate": 'L402 macaroon="AGIAJEemVQUTEyNCR0exk7ek90Cg==", invoice="lnbc1500n1"', location: "/till", link: "</till>; rel=payment" }, `<meta http-equiv="refresh" content="0; url=/till">`),
        "/till": sells(),
      }),
      exits: [3],
      errors: ["Payment required"],
      story: [],
      then: ({ seller }) => assert.equal(seller.at("/till").length, 0),
    },
    {
      name: "goods that ask for more",
      pages: () => ({ "/page": sells({}, PROSE) }),
      signed: once,
      story: ["allow settled"],
      then: ({ seller }, [run]) => {
        assert.equal(run.stdout, PROSE);
        assert.equal(seller.seen().length, 2);
      },
    },
  ],
  honest: [
    {
      name: "the same page with an offer that a wallet can read",
      pages: () => ({
        "/page": (request, response, { payment }) =>
          payment === undefined ? says(402, { ...html, "payment-required": requiredHeader([offer()]) }, PROSE)(request, response) : deliver(response, payment),
      }),
      signed: once,
      story: ["allow settled"],
    },
  ],
});
