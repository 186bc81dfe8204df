// SPDX-License-Identifier: Apache-2.0
// One request with a crafted payment header, and the parts of its answer that must not differ between servers.

import { decodePaymentRequiredHeader, decodePaymentResponseHeader } from "@x402/core/http";
import { PAID_MARKER } from "./origin.mjs";

export async function request(url, header) {
  const response = await fetch(url, { headers: header === undefined ? {} : { "PAYMENT-SIGNATURE": header } });
  const { status, headers } = response;
  return { status, headers, body: await response.text(), origin: new URL(url).origin };
}

/// The parts of an answer that must not differ. The body of a 402 or 412 may: the reference sends `{}`, ours what a v1
/// client can read. A receipt's `errorMessage` is prose and left out as well.
export function whatAPayerSees({ status, headers, body, origin }, payer) {
  const required = headers.get("PAYMENT-REQUIRED");
  const receipt = headers.get("PAYMENT-RESPONSE");
  const { error = null, ...offer } = required === null ? {} : decodePaymentRequiredHeader(required);
  return {
    status,
    error,
    offer: JSON.parse(JSON.stringify(offer).replaceAll(origin, "http://server")),
    receipt: receipt === null ? null : receiptWithoutProse(decodePaymentResponseHeader(receipt), payer),
    cacheControl: headers.get("cache-control"),
    showsPaidBody: body.includes(PAID_MARKER),
    handlerBody: status === 402 || status === 412 ? null : body,
  };
}

/// The payer's address differs between servers where each has its own payer.
function receiptWithoutProse({ errorMessage: _prose, ...receipt }, payer) {
  return receipt.payer !== undefined && receipt.payer === payer ? { ...receipt, payer: "the payer" } : receipt;
}
