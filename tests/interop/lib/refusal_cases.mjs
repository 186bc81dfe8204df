// SPDX-License-Identifier: Apache-2.0
// The refusals: how each bad request is made, and what the reference server answers (protocol.md 5.3, 9.1, 16).
//
// A case is {name, expect, header(context) | prepare(context), path, funds}. `header` needs nothing but keys, so the
// very same bytes go to every server. `prepare` also changes the chain or the handler, so each server gets its own
// payer and its own header, made the same way.
//
// `expect` is what the reference answers: `status`, `error` (PAYMENT-REQUIRED), `errorReason` (PAYMENT-RESPONSE),
// `cacheControl`, `body` (only where the handler's own is released), how often the handler `runs`, and what the payer
// `spentElsewhere`. `oursMayAlsoSay` lists other PAYMENT-REQUIRED errors ours may give, with the reason beside it;
// with `oursSaysItsOwn` any error text will do, and all the rest must still be the same.

import { generatePrivateKey } from "viem/accounts";
import { USDC } from "./chain.mjs";
import { cancellation, craftPayload, encodeHeader, freshNonce, transferOf, unixNow } from "./craft.mjs";
import { PRICE_ATOMIC } from "./origin.mjs";

const OTHER_ADDRESS = "0x000000000000000000000000000000000000dEaD";
const OTHER_ASSET = "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913";

const refused = (error) => ({ status: 402, error, cacheControl: "no-store", runs: 0 });
const unmatched = refused("No matching payment requirements");
const undecodable = refused("Payment required");

/// A case that is one wrong ingredient of craftPayload.
const crafted = (name, expect, ingredients) => ({
  name,
  expect,
  header: async ({ key, payTo }) => encodeHeader(await craftPayload({ key, payTo, ...ingredients() })),
});

/// A case that spoils a good payload.
const spoiled = (name, expect, spoil) => ({
  name,
  expect,
  header: async ({ key, payTo }) => encodeHeader(spoil(await craftPayload({ key, payTo }))),
});

/// A case whose header is this text, whatever the payer.
const literal = (name, expect, text, oursMayAlsoSay) => ({
  name,
  expect,
  oursMayAlsoSay,
  header: async () => text,
});

const withSignature = (payload, signature) => ({ ...payload, payload: { ...payload.payload, signature } });

const times = [
  crafted(
    "an authorisation that expired",
    refused("invalid_exact_evm_payload_authorization_valid_before"),
    () => ({ authorization: { validBefore: String(unixNow() - 10) } }),
  ),
  crafted(
    "an authorisation that expires within the six seconds kept for settling",
    refused("invalid_exact_evm_payload_authorization_valid_before"),
    () => ({ authorization: { validBefore: String(unixNow() + 3) } }),
  ),
  crafted(
    "an authorisation that is not yet valid",
    refused("invalid_exact_evm_payload_authorization_valid_after"),
    () => ({ authorization: { validAfter: String(unixNow() + 200) } }),
  ),
];

const amounts = [
  crafted(
    "an authorisation of less than the price",
    refused("invalid_exact_evm_payload_authorization_value_mismatch"),
    () => ({ authorization: { value: String(PRICE_ATOMIC - 1n) } }),
  ),
  crafted(
    "an authorisation of more than the price",
    refused("invalid_exact_evm_payload_authorization_value_mismatch"),
    () => ({ authorization: { value: String(PRICE_ATOMIC + 1n) } }),
  ),
  crafted("an accepted entry with another amount", unmatched, () => ({
    accepted: { amount: String(PRICE_ATOMIC - 1n) },
    authorization: { value: String(PRICE_ATOMIC - 1n) },
  })),
];

const parties = [
  crafted("an authorisation to another recipient", refused("invalid_exact_evm_recipient_mismatch"), () => ({
    authorization: { to: OTHER_ADDRESS },
  })),
  crafted("an accepted entry with another recipient", unmatched, () => ({
    accepted: { payTo: OTHER_ADDRESS },
    authorization: { to: OTHER_ADDRESS },
  })),
  crafted("an accepted entry with another asset", unmatched, () => ({ accepted: { asset: OTHER_ASSET } })),
  crafted("an authorisation signed for another asset", refused("invalid_exact_evm_signature"), () => ({
    domain: { verifyingContract: OTHER_ASSET },
  })),
  crafted("an accepted entry with another network", unmatched, () => ({ accepted: { network: "eip155:8453" } })),
  crafted("an authorisation signed for another chain", refused("invalid_exact_evm_signature"), () => ({
    domain: { chainId: 8453 },
  })),
  crafted("an accepted entry with another scheme", unmatched, () => ({ accepted: { scheme: "upto" } })),
  crafted("an accepted entry with the asset in lower case", unmatched, () => ({
    accepted: { asset: USDC.toLowerCase() },
  })),
  crafted("an accepted entry with another timeout", unmatched, () => ({ accepted: { maxTimeoutSeconds: 60 } })),
  crafted("an accepted entry without the offered extra", unmatched, () => ({ accepted: { extra: {} } })),
];

const signatures = [
  crafted("a signature over another amount than the one sent", refused("invalid_exact_evm_signature"), () => ({
    signed: { value: "1" },
  })),
  {
    name: "a signature by somebody else",
    expect: refused("invalid_exact_evm_signature"),
    header: async ({ key, payTo }) => {
      const own = await craftPayload({ key, payTo });
      const { payload } = await craftPayload({
        key: generatePrivateKey(),
        payTo,
        authorization: own.payload.authorization,
      });
      return encodeHeader(withSignature(own, payload.signature));
    },
  },
  spoiled("a signature of 64 bytes", refused("invalid_exact_evm_signature"), (payload) =>
    withSignature(payload, payload.payload.signature.slice(0, -2)),
  ),
  spoiled("a signature of zeros", refused("invalid_exact_evm_signature"), (payload) =>
    withSignature(payload, `0x${"00".repeat(65)}`),
  ),
];

const malformed = [
  { name: "no payment header", expect: undecodable, header: async () => undefined },
  literal("a header that is not base64", undecodable, "{not base64}"),
  literal("a header in base64url", undecodable, "-_-_"),
  literal("a header that is not JSON", undecodable, Buffer.from("not json").toString("base64")),
  literal("a header with half a JSON object", undecodable, Buffer.from('{"x402Version":2').toString("base64")),
  literal("a header that is JSON null", undecodable, encodeHeader(null)),
  // The reference has no schema on this side: it fails later with a text about its own version switch. A payload of
  // the wrong shape may as well count as absent.
  literal("a header that is an empty JSON object", refused("Unsupported x402 version: undefined"), encodeHeader({}), [
    "Payment required",
  ]),
  literal("a header that is a JSON array", refused("Unsupported x402 version: undefined"), encodeHeader([]), [
    "Payment required",
  ]),
  literal("a header of an unknown version", refused("Unsupported x402 version: 3"), encodeHeader({ x402Version: 3 }), [
    "Payment required",
  ]),
  literal("a header without an accepted entry", unmatched, encodeHeader({ x402Version: 2, payload: {} }), [
    "Payment required",
  ]),
];

/// A payload that fits the offer but holds something that no authorisation can hold. The reference lets it through to
/// the facilitator, where a JavaScript exception, or a failed signature, is the answer; ours may name what is wrong.
const misshapen = (name, error, spoil) => ({ ...spoiled(name, refused(error), spoil), oursSaysItsOwn: true });
const withPayload = (payload, inner) => ({ ...payload, payload: inner });
const withMember = (payload, member, value) =>
  withPayload(payload, {
    ...payload.payload,
    authorization: { ...payload.payload.authorization, [member]: value },
  });
const facilitatorThrew = /^Facilitator verify failed \(500\): /;
const badSignature = "invalid_exact_evm_signature";

const shapes = [
  misshapen("an empty inner payload", facilitatorThrew, (p) => withPayload(p, {})),
  misshapen("an inner payload that is null", facilitatorThrew, (p) => withPayload(p, null)),
  misshapen("an inner payload that is a string", facilitatorThrew, (p) => withPayload(p, "x")),
  misshapen("no inner payload", facilitatorThrew, (p) => withPayload(p, undefined)),
  misshapen("an authorisation without members", facilitatorThrew, (p) =>
    withPayload(p, { ...p.payload, authorization: {} }),
  ),
  misshapen("no signature", facilitatorThrew, (p) => withSignature(p, undefined)),
  misshapen("a signature that is not hex", badSignature, (p) => withSignature(p, "0xzz")),
  misshapen("a value in scientific notation", facilitatorThrew, (p) => withMember(p, "value", "1e3")),
  misshapen("a negative value", badSignature, (p) => withMember(p, "value", "-1")),
  misshapen("a value of 2^256", badSignature, (p) => withMember(p, "value", String(2n ** 256n))),
  misshapen("a nonce of one byte", badSignature, (p) => withMember(p, "nonce", "0x12")),
  misshapen("a payer address of one byte", badSignature, (p) => withMember(p, "from", "0x12")),
];

const payerState = [
  {
    name: "a payer with less than the price",
    expect: refused("invalid_exact_evm_insufficient_balance"),
    funds: PRICE_ATOMIC - 1n,
    header: async ({ key, payTo }) => encodeHeader(await craftPayload({ key, payTo })),
  },
  {
    name: "a payment that was already used",
    expect: refused("invalid_exact_evm_nonce_already_used"),
    prepare: async ({ key, payTo, send }) => {
      const header = encodeHeader(await craftPayload({ key, payTo }));
      const first = await send(header);
      if (first.status !== 200) throw new Error(`the first use was refused: ${JSON.stringify(first)}`);
      return header;
    },
  },
  {
    name: "a nonce that the payer cancelled",
    expect: refused("invalid_exact_evm_nonce_already_used"),
    prepare: async ({ key, payTo, chain }) => {
      const nonce = freshNonce();
      await chain.write("cancelAuthorization", await cancellation({ key, nonce }));
      return encodeHeader(await craftPayload({ key, payTo, authorization: { nonce } }));
    },
  },
];

const settlementFailed = (errorReason) => ({
  status: 402,
  error: null,
  errorReason,
  cacheControl: "no-store",
  runs: 1,
});

const afterVerify = [
  {
    name: "a payer who spends the balance while the handler runs",
    path: "/slow-to-answer",
    expect: { ...settlementFailed("invalid_exact_evm_insufficient_balance"), spentElsewhere: PRICE_ATOMIC },
    funds: PRICE_ATOMIC,
    prepare: async ({ key, payTo, chain, handlers }) => {
      handlers.meanwhile(async () => {
        const args = await transferOf({ key, to: chain.freshAddress(), value: PRICE_ATOMIC });
        await chain.write("transferWithAuthorization", args);
      });
      return encodeHeader(await craftPayload({ key, payTo }));
    },
  },
  {
    name: "a payer who cancels the authorisation while the handler runs",
    path: "/slow-to-answer",
    expect: settlementFailed("invalid_exact_evm_nonce_already_used"),
    prepare: async ({ key, payTo, chain, handlers }) => {
      const nonce = freshNonce();
      handlers.meanwhile(async () => {
        await chain.write("cancelAuthorization", await cancellation({ key, nonce }));
      });
      return encodeHeader(await craftPayload({ key, payTo, authorization: { nonce } }));
    },
  },
  {
    name: "a payment for a handler that fails",
    path: "/broken",
    expect: {
      status: 500,
      error: null,
      cacheControl: null,
      runs: 1,
      body: JSON.stringify({ error: "the origin broke" }),
    },
    header: async ({ key, payTo }) => encodeHeader(await craftPayload({ key, payTo })),
  },
];

export const REFUSALS = [
  ...times,
  ...amounts,
  ...parties,
  ...signatures,
  ...malformed,
  ...shapes,
  ...payerState,
  ...afterVerify,
];
