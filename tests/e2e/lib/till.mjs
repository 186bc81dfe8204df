// SPDX-License-Identifier: Apache-2.0
// One payment at a gateway, with everything a test asks of it afterwards.

import { craftPayload, encodeHeader } from "../../interop/lib/craft.mjs";
import { open, send } from "./raw.mjs";
import { decodeHeader } from "./seller.mjs";
import { until } from "./wait.mjs";

const FUNDS = 10_000n;

/// A new payer with a signed payment for `payTo`. Returns `{header, payer, nonce, key, spent(), used()}`.
export async function signedPayment(chain, payTo) {
  const { key, address } = await chain.freshPayer(FUNDS);
  const payload = await craftPayload({ key, payTo });
  const { nonce } = payload.payload.authorization;
  return {
    key,
    payer: address,
    nonce,
    header: encodeHeader(payload),
    spent: async () => FUNDS - (await chain.balanceOf(address)),
    used: () => chain.authorizationUsed(address, nonce),
  };
}

const paying = (payment) => ({ "PAYMENT-SIGNATURE": payment.header });

/// The request with this payment.
export const buy = (url, payment, how = {}) =>
  send(url, { ...how, headers: { ...paying(payment), ...how.headers } });

/// The same, still open.
export const startBuying = (url, payment, how = {}) => {
  const started = open(url, { ...how, headers: { ...paying(payment), ...how.headers } });
  started.request.end();
  return started;
};

/// What the answer's headers say of the payment: undefined where there is no such header.
export const receiptOf = ({ headers }) => headers["payment-response"] && decodeHeader(headers["payment-response"]);
export const requiredOf = ({ headers }) => headers["payment-required"] && decodeHeader(headers["payment-required"]);

/// The same payment again and again until it gets what it paid for. Fails when it is ever told to pay anew.
export function buyUntilServed(url, payment, deadlineMs) {
  return until(
    "the same payment gets the goods",
    async () => {
      const answer = await buy(url, payment);
      if (answer.status === 402) throw new Error(`told to pay again: ${JSON.stringify(answer.headers)}`);
      return answer.status === 200 && answer;
    },
    deadlineMs,
  );
}

/// A method of the development chain itself.
export async function tellChain(rpc, method, params = []) {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const answer = await fetch(rpc, { method: "POST", headers: { "content-type": "application/json" }, body });
  const { result, error } = await answer.json();
  if (error) throw new Error(`${method}: ${error.message}`);
  return result;
}
