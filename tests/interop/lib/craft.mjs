// SPDX-License-Identifier: Apache-2.0
// Payment headers made by hand, so that a test can get any one member wrong and everything else right.

import { randomBytes } from "node:crypto";
import { privateKeyToAccount } from "viem/accounts";
import { CHAIN_ID, NETWORK, USDC } from "./chain.mjs";
import { PRICE_ATOMIC } from "./origin.mjs";

const TRANSFER_TYPES = {
  TransferWithAuthorization: [
    { name: "from", type: "address" },
    { name: "to", type: "address" },
    { name: "value", type: "uint256" },
    { name: "validAfter", type: "uint256" },
    { name: "validBefore", type: "uint256" },
    { name: "nonce", type: "bytes32" },
  ],
};

const CANCEL_TYPES = {
  CancelAuthorization: [
    { name: "authorizer", type: "address" },
    { name: "nonce", type: "bytes32" },
  ],
};

const DOMAIN = { name: "USDC", version: "2", chainId: CHAIN_ID, verifyingContract: USDC };

export const unixNow = () => Math.floor(Date.now() / 1000);
export const freshNonce = () => `0x${randomBytes(32).toString("hex")}`;
export const encodeHeader = (value) => Buffer.from(JSON.stringify(value)).toString("base64");

/// The `accepts` entry every server of the matrix offers for its routes.
export const requirements = (payTo) => ({
  scheme: "exact",
  network: NETWORK,
  amount: String(PRICE_ATOMIC),
  asset: USDC,
  payTo,
  maxTimeoutSeconds: 300,
  extra: { name: "USDC", version: "2" },
});

/// A v2 payment payload. `authorization`, `accepted`, `domain` override single members; what is signed is what
/// is sent, unless `signed` overrides members of the signed message only.
export async function craftPayload({ key, payTo, authorization, accepted, domain, signed }) {
  const account = privateKeyToAccount(key);
  const message = {
    from: account.address,
    to: payTo,
    value: String(PRICE_ATOMIC),
    validAfter: "0",
    validBefore: String(unixNow() + 300),
    nonce: freshNonce(),
    ...authorization,
  };
  const signature = await account.signTypedData({
    domain: { ...DOMAIN, ...domain },
    types: TRANSFER_TYPES,
    primaryType: "TransferWithAuthorization",
    message: { ...message, ...signed },
  });
  return {
    x402Version: 2,
    payload: { authorization: message, signature },
    resource: { url: "http://127.0.0.1/", description: "", mimeType: "" },
    accepted: { ...requirements(payTo), ...accepted },
  };
}

const splitSignature = (signature) => ({
  r: signature.slice(0, 66),
  s: `0x${signature.slice(66, 130)}`,
  v: Number.parseInt(signature.slice(130, 132), 16),
});

/// The arguments of `cancelAuthorization`, signed by the payer: its wallet may do this while a handler runs.
export async function cancellation({ key, nonce }) {
  const account = privateKeyToAccount(key);
  const message = { authorizer: account.address, nonce };
  const signature = await account.signTypedData({
    domain: DOMAIN,
    types: CANCEL_TYPES,
    primaryType: "CancelAuthorization",
    message,
  });
  const { v, r, s } = splitSignature(signature);
  return [account.address, nonce, v, r, s];
}

/// The arguments of `transferWithAuthorization` that move `value` from the payer to `to`.
export async function transferOf({ key, to, value }) {
  const { payload } = await craftPayload({ key, payTo: to, authorization: { value: String(value) } });
  const { from, validAfter, validBefore, nonce } = payload.authorization;
  const { v, r, s } = splitSignature(payload.signature);
  return [from, to, value, BigInt(validAfter), BigInt(validBefore), nonce, v, r, s];
}
