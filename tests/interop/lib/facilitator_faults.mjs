// SPDX-License-Identifier: Apache-2.0
// What a server answers when its remote facilitator misbehaves (protocol.md 5.3, 7): the same script is played to the
// reference Express server and to ours, and the answers are compared. No chain is needed: the facilitator is scripted.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { generatePrivateKey } from "viem/accounts";
import { NETWORK } from "./chain.mjs";
import { craftPayload, encodeHeader, requirements } from "./craft.mjs";
import { makeHandlers } from "./origin.mjs";
import { startScriptedFacilitator } from "./scripted_facilitator.mjs";
import { request, whatAPayerSees } from "./seen.mjs";
import { SERVERS } from "./world.mjs";

const PATH = "/weather";
const PAY_TO = "0x000000000000000000000000000000000000dEaD";
const TRANSACTION = `0x${"ab".repeat(32)}`;

const ok = (json) => ({ status: 200, json });
const valid = ok({ isValid: true });
const settled = ok({ success: true, transaction: TRANSACTION, network: NETWORK });
const failed = (errorReason, transaction = "") =>
  ok({ success: false, errorReason, errorMessage: "prose", transaction, network: NETWORK });

const refused = (error) => ({ status: 402, error, runs: 0, asked: { verify: 1, settle: 0 } });
const unsettled = (errorReason, { transaction = "", settle = 1 } = {}) => ({
  status: 402,
  error: null,
  receipt: { success: false, errorReason, transaction, network: NETWORK },
  runs: 1,
  asked: { verify: 1, settle },
});
// Where the reference tells the payer to pay again although the first payment may yet happen, we do not: 503, and the
// same payment sent again gets the resource.
const pending = ({ transaction = "", settle = 1 } = {}) => ({ transaction, settle });
const badGateway = (runs) => ({ status: 502, error: null, runs, asked: { verify: 1, settle: runs } });
const served = (settle) => ({
  status: 200,
  error: null,
  receipt: { success: true, transaction: TRANSACTION, network: NETWORK },
  runs: 1,
  asked: { verify: 1, settle },
});

const FAULTS = [
  ["/verify says no without a reason", { verify: ok({ isValid: false }) }, { ...refused(null), oursSaysItsOwn: true }],
  [
    "/verify says no with status 400",
    { verify: { status: 400, json: { isValid: false, invalidReason: "payment_expired", invalidMessage: "too late" } } },
    refused("payment_expired: too late"),
  ],
  [
    "/verify misses a Permit2 allowance",
    { verify: ok({ isValid: false, invalidReason: "permit2_allowance_required" }) },
    { ...refused("permit2_allowance_required"), status: 412 },
  ],
  [
    "/verify answers 500 with JSON",
    { verify: { status: 500, json: { error: "boom" } } },
    refused('Facilitator verify failed (500): {"error":"boom"}'),
  ],
  [
    "/verify answers 503 with more text than anyone wants",
    { verify: { status: 503, text: "x".repeat(5000) } },
    refused(`Facilitator verify failed (503): ${"x".repeat(197)}...`),
  ],
  ["/verify answers 200 without JSON", { verify: { status: 200, text: "fine" } }, badGateway(0)],
  ["/verify answers 200 with the wrong shape", { verify: ok({ valid: true }) }, badGateway(0)],
  [
    "/settle says no",
    { verify: valid, settle: failed("invalid_exact_evm_transaction_failed", TRANSACTION) },
    unsettled("invalid_exact_evm_transaction_failed", { transaction: TRANSACTION }),
  ],
  [
    "/settle answers 500 with JSON",
    { verify: valid, settle: { status: 500, json: { error: "boom" } } },
    unsettled('Facilitator settle failed (500): {"error":"boom"}'),
    pending(),
  ],
  ["/settle answers 200 without JSON", { verify: valid, settle: { status: 200, text: "fine" } }, badGateway(1)],
  ["/settle answers 200 with the wrong shape", { verify: valid, settle: ok({ done: true }) }, badGateway(1)],
  [
    "/settle is pending and then done: it is asked again, once",
    { verify: valid, settle: [failed("settlement_pending", TRANSACTION), settled] },
    served(2),
  ],
  [
    "/settle is pending for ever: it is asked again, once",
    { verify: valid, settle: failed("settlement_pending", TRANSACTION) },
    unsettled("settlement_pending", { transaction: TRANSACTION, settle: 2 }),
    pending({ transaction: TRANSACTION, settle: 2 }),
  ],
  [
    "/settle is pending without a transaction: it is not asked again",
    { verify: valid, settle: failed("settlement_pending") },
    unsettled("settlement_pending"),
    pending({ settle: "any" }),
  ],
];

/// Declares one test per fault. Without a subject, only the reference itself is held against the table.
export function facilitatorFaults(subject) {
  describe(`${SERVERS[subject ?? "ref_express"].title} when its facilitator misbehaves`, () => {
    const started = [];
    let reference;
    let other;
    before(async () => {
      reference = await startBehindScript("ref_express", started);
      if (subject) other = await startBehindScript(subject, started);
    });
    after(async () => {
      for (const close of started.reverse()) await close();
    });

    for (const [name, script, expect, oursInstead] of FAULTS) {
      test(name, async () => {
        const payload = await craftPayload({ key: generatePrivateKey(), payTo: PAY_TO });
        const header = encodeHeader(payload);
        const expected = await observe(reference, script, header);
        assertAsWritten(expected, expect);
        if (!other) return;
        const observed = await observe(other, script, header);
        if (oursInstead) assertPending(observed, oursInstead);
        else assertSame(observed, expected, expect);
      });
    }
  });
}

async function startBehindScript(name, started) {
  const facilitator = await startScriptedFacilitator();
  started.push(facilitator.close);
  const handlers = makeHandlers();
  const server = await SERVERS[name].start({ facilitatorUrl: facilitator.url, payTo: PAY_TO, handlers });
  started.push(server.close);
  return { facilitator, handlers, url: server.url };
}

async function observe({ facilitator, handlers, url }, script, header) {
  facilitator.play(script);
  const runsBefore = handlers.runs(PATH);
  const response = await request(url + PATH, header);
  const { verify, settle } = facilitator.asked();
  // Each time the facilitator is asked about the same payment, unchanged, and the server's own requirements.
  for (const body of [...verify, ...settle]) {
    assert.deepEqual(JSON.parse(body), {
      x402Version: 2,
      paymentPayload: JSON.parse(Buffer.from(header, "base64")),
      paymentRequirements: requirements(PAY_TO),
    });
  }
  return {
    response,
    seen: whatAPayerSees(response),
    runs: handlers.runs(PATH) - runsBefore,
    asked: { verify: verify.length, settle: settle.length },
  };
}

function assertAsWritten({ seen, runs, asked }, expect) {
  assert.equal(seen.status, expect.status);
  if (!expect.oursSaysItsOwn) assert.equal(seen.error, expect.error);
  assert.deepEqual(seen.receipt, expect.receipt ?? null);
  assert.equal(seen.showsPaidBody, expect.status === 200);
  assert.deepEqual({ runs, asked }, { runs: expect.runs, asked: expect.asked });
}

function assertPending({ response, seen, runs, asked }, { transaction, settle }) {
  assert.equal(seen.status, 503);
  assert.match(response.headers.get("retry-after") ?? "", /^[1-9]\d*$/);
  assert.equal(seen.error, null, "no fresh 402 for a payment whose fate is unknown");
  assert.equal(seen.receipt.success, false);
  assert.equal(seen.receipt.errorReason, "settlement_pending");
  assert.equal(seen.receipt.transaction, transaction);
  assert.equal(seen.showsPaidBody, false);
  assert.equal(runs, 1);
  assert.equal(asked.verify, 1);
  if (settle !== "any") assert.equal(asked.settle, settle);
}

function assertSame(observed, expected, { oursSaysItsOwn }) {
  const seen = { ...observed.seen };
  if (oursSaysItsOwn) seen.error = expected.seen.error;
  if (expected.seen.status === 502) {
    // The text of a 502 is prose: that there is one must hold, and that it is the same must not.
    assert.equal(typeof JSON.parse(observed.response.body).error, "string");
    seen.handlerBody = expected.seen.handlerBody;
  }
  assert.deepEqual(seen, expected.seen);
  assert.deepEqual({ runs: observed.runs, asked: observed.asked }, { runs: expected.runs, asked: expected.asked });
}
