// SPDX-License-Identifier: Apache-2.0
// One thread, no network: the same four steps as bench_micro, with viem and the reference's codecs. Microseconds of
// CPU each, the best of several rounds, as JSON.

import { DESCRIPTION, MIME_TYPE, NETWORK, PATH } from "./offer.mjs";
import { reference } from "./packages.mjs";

const { decodePaymentSignatureHeader, encodePaymentRequiredHeader, encodePaymentSignatureHeader } =
  reference("@x402/core/http");
const { recoverTypedDataAddress } = reference("viem");
const { privateKeyToAccount } = reference("viem/accounts");
const { authorizationTypes } = reference("@x402/evm");

const ROUNDS = 5;
const ROUND_US = 300_000;

const account = privateKeyToAccount(`0x${"42".repeat(32)}`);
const payTo = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const asset = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
const authorization = {
  from: account.address,
  to: payTo,
  value: 1000n,
  validAfter: 0n,
  validBefore: 4_000_000_000n,
  nonce: `0x${"11".repeat(32)}`,
};
const typedData = {
  domain: { name: "USDC", version: "2", chainId: 84532, verifyingContract: asset },
  types: authorizationTypes,
  primaryType: "TransferWithAuthorization",
  message: authorization,
};
const signature = await account.signTypedData(typedData);
const requirements = {
  scheme: "exact",
  network: NETWORK,
  amount: "1000",
  asset,
  payTo,
  maxTimeoutSeconds: 300,
  extra: { name: "USDC", version: "2" },
};
const resource = { url: `http://127.0.0.1:8402${PATH}`, description: DESCRIPTION, mimeType: MIME_TYPE };
const required = { x402Version: 2, error: "Payment required", resource, accepts: [requirements] };
const onWire = { ...authorization, value: "1000", validAfter: "0", validBefore: "4000000000" };
const header = encodePaymentSignatureHeader({
  x402Version: 2,
  resource,
  accepted: requirements,
  payload: { authorization: onWire, signature },
});

/// CPU time of this process, garbage collection included: others on the core do not count.
function cpuMicroseconds() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

async function microseconds(step) {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; ++round) {
    const began = cpuMicroseconds();
    let count = 0;
    while (cpuMicroseconds() - began < ROUND_US) {
      for (let i = 0; i < 64; ++i) await step();
      count += 64;
    }
    best = Math.min(best, (cpuMicroseconds() - began) / count);
  }
  return best;
}

async function verify() {
  const signer = await recoverTypedDataAddress({ ...typedData, signature });
  if (signer !== account.address) throw new Error(`recovered ${signer}`);
}

const times = {
  verify_us: await microseconds(verify),
  sign_us: await microseconds(() => account.signTypedData(typedData)),
  parse_us: await microseconds(() => decodePaymentSignatureHeader(header)),
  render_us: await microseconds(() => encodePaymentRequiredHeader(required)),
};
console.log(JSON.stringify(times));
