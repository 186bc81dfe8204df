// SPDX-License-Identifier: Apache-2.0
// Sends each crafted request to the reference Express server and to a subject, and compares all that a payer can see
// and all that moved.

import assert from "node:assert/strict";
import { after, before, describe, mock, test } from "node:test";
import { PaymentRequirementsSchema as RequirementsV1 } from "x402/types";
import { NETWORK, NETWORK_V1 } from "./chain.mjs";
import { difference, snapshot } from "./checks.mjs";
import { PRICE_ATOMIC } from "./origin.mjs";
import { REFUSALS } from "./refusal_cases.mjs";
import { request, whatAPayerSees } from "./seen.mjs";
import { FACILITATORS, SERVERS, startWorldWith } from "./world.mjs";

const DEFAULT_PATH = "/weather";
const DEFAULT_FUNDS = 10n * PRICE_ATOMIC;

/// Declares one test per refusal. Without a subject, only the reference itself is held against the table.
export function refusals(subject) {
  const whom = subject
    ? `${SERVERS[subject.server].title} with ${FACILITATORS[subject.facilitator].title} refuses as the reference does`
    : "the reference refuses as written down";
  describe(whom, () => {
    let world;
    let stacks;
    before(async () => {
      mock.method(console, "warn", () => {}); // the reference server warns of every header it cannot decode
      const started = await startWorldWith((w) => startStacks(w, subject));
      world = started.world;
      stacks = started.built;
    });
    after(() => world?.stop());

    for (const refusal of REFUSALS) {
      test(`it refuses ${refusal.name}`, async (t) => {
        t.after(() => t.passed || t.diagnostic(world.output()));
        await compare(refusal, world, stacks);
      });
    }
  });
}

/// Both servers sell for the same payTo, so that one header fits both; a subject with the reference facilitator
/// shares the very one that the reference server asks.
async function startStacks(world, subject) {
  const reference = await world.addStack({ server: "ref_express", facilitator: "ref" });
  if (!subject) return { reference };
  const facilitator = subject.facilitator === "ref" ? reference.facilitator : subject.facilitator;
  const { payTo } = reference;
  return { reference, subject: await world.addStack({ server: subject.server, facilitator, payTo }), ours: subject };
}

async function compare(refusal, world, { reference, subject, ours }) {
  const shared = refusal.header ? await makeShared(refusal, world, reference) : undefined;
  const expected = await observe(refusal, world, reference, shared);
  assertAsWritten(expected, refusal.expect);
  if (!subject) return;
  const observed = await observe(refusal, world, subject, shared);
  if (ours.server === "ours") assertReadableForV1(observed.response);
  assertSame(observed, expected, refusal);
}

async function makeShared(refusal, { chain }, { payTo }) {
  const payer = await chain.freshPayer(refusal.funds ?? DEFAULT_FUNDS);
  return { payer, header: await refusal.header({ key: payer.key, payTo }) };
}

/// One request of this case to one server: the answer, and what it moved.
async function observe(refusal, { chain }, stack, shared) {
  const { url, payTo, handlers } = stack;
  const path = refusal.path ?? DEFAULT_PATH;
  const payer = shared?.payer ?? (await chain.freshPayer(refusal.funds ?? DEFAULT_FUNDS));
  const send = (header) => request(url + path, header);
  const header =
    shared === undefined
      ? await refusal.prepare({ key: payer.key, payTo, chain, handlers, send })
      : shared.header;

  const watched = { chain, payer: payer.address, payTo, handlers, path };
  const earlier = await snapshot(watched);
  const response = await send(header);
  const moved = difference(earlier, await snapshot(watched));
  return { response, moved, seen: whatAPayerSees(response, payer.address) };
}

function assertAsWritten({ seen, moved }, expect) {
  assert.equal(seen.status, expect.status);
  if (expect.error instanceof RegExp) assert.match(seen.error, expect.error);
  else assert.equal(seen.error, expect.error);
  assert.equal(seen.cacheControl, expect.cacheControl);
  assert.equal(seen.handlerBody, expect.body ?? null);
  assert.equal(seen.showsPaidBody, false);
  const receipt = expect.errorReason && {
    success: false,
    errorReason: expect.errorReason,
    transaction: "",
    network: NETWORK,
    payer: "the payer",
  };
  assert.deepEqual(seen.receipt, receipt ?? null);
  const payerPaid = expect.spentElsewhere ?? 0n;
  assert.deepEqual(moved, { payerPaid, payToGot: 0n, handlerRuns: expect.runs });
}

function assertSame(observed, expected, { oursMayAlsoSay = [], oursSaysItsOwn = false }) {
  const said = observed.seen.error;
  const itsOwn = oursSaysItsOwn && typeof said === "string" && said !== "";
  const error = itsOwn || oursMayAlsoSay.includes(said) ? said : expected.seen.error;
  assert.deepEqual(observed.seen, { ...expected.seen, error });
  assert.deepEqual(observed.moved, expected.moved);
}

/// Whenever our gateway offers a price, its body offers the same to a v1 client, by the legacy package's own schema.
function assertReadableForV1({ headers, body }) {
  if (headers.get("PAYMENT-REQUIRED") === null) return;
  const { x402Version, error, accepts } = JSON.parse(body);
  assert.equal(x402Version, 1);
  assert.equal(typeof error, "string");
  assert.equal(accepts.length, 1);
  const entry = RequirementsV1.parse(accepts[0]);
  assert.equal(entry.network, NETWORK_V1);
  assert.equal(entry.maxAmountRequired, String(PRICE_ATOMIC));
}
