// SPDX-License-Identifier: Apache-2.0
// A seller that asks what a test wants and answers what a test says: honest, mistaken or false.

import http from "node:http";
import https from "node:https";
import { NETWORK, NETWORK_V1, USDC } from "../../interop/lib/chain.mjs";
import { encodeHeader } from "../../interop/lib/craft.mjs";
import { listen } from "../../interop/lib/http.mjs";
import { readAll } from "./origin.mjs";

export const PAY_TO = "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65";
export const SOME_TRANSACTION = `0x${"ab".repeat(32)}`;

/// An entry of `accepts` that `farthing pay` takes.
export const offer = (changes = {}) => ({
  scheme: "exact",
  network: NETWORK,
  amount: "1000",
  asset: USDC,
  payTo: PAY_TO,
  maxTimeoutSeconds: 60,
  extra: { name: "USDC", version: "2" },
  ...changes,
});

export const requiredHeader = (accepts, error = "Payment required", resource = {}) =>
  encodeHeader({
    x402Version: 2,
    error,
    resource: { url: "http://seller/", description: "", mimeType: "", ...resource },
    accepts,
  });

/// What a payment header says.
export const decodeHeader = (text) => JSON.parse(Buffer.from(text, "base64").toString());

/// The receipt an honest seller would send for this payment; `changes` make it lie.
export const receiptFor = (payment, changes = {}) =>
  encodeHeader({
    success: true,
    transaction: SOME_TRANSACTION,
    network: NETWORK,
    payer: decodeHeader(payment).payload.authorization.from,
    ...changes,
  });

export function ask(response, accepts = [offer()], error, resource) {
  response.writeHead(402, {
    "content-type": "application/json",
    "payment-required": requiredHeader(accepts, error, resource),
  });
  response.end("{}");
}

/// An entry of `accepts` in version 1.
export const offerV1 = ({ amount = "1000", ...changes } = {}) => ({
  ...offer(),
  network: NETWORK_V1,
  amount: undefined,
  maxAmountRequired: amount,
  resource: "http://seller/",
  description: "",
  mimeType: "",
  ...changes,
});

export function askV1(response, accepts = [offerV1()]) {
  response.writeHead(402, { "content-type": "application/json" });
  response.end(JSON.stringify({ x402Version: 1, error: "X-PAYMENT header is required", accepts }));
}

export function deliverV1(response, payment) {
  response.writeHead(200, { "x-payment-response": receiptFor(payment, { network: NETWORK_V1 }) });
  response.end("the goods\n");
}

export function deliver(response, payment, body = "the goods\n", headers = {}) {
  response.writeHead(200, { "content-type": "text/plain", "payment-response": receiptFor(payment), ...headers });
  response.end(body);
}

/// `pages` maps a path to `(request, response, record)`; `record` is `{method, path, headers, body, payment}`.
/// Returns `{url, close(), seen(), payments()}`. With `tls` (`{key, cert}`) it speaks https.
export async function startSeller(pages, { tls } = {}) {
  const seen = [];
  const serve = async (request, response) => {
    const { method, headers, rawHeaders } = request;
    const path = request.url.split("?")[0];
    const body = await readAll(request).catch(() => Buffer.alloc(0));
    const payment = headers["payment-signature"];
    const record = { method, path, url: request.url, headers, rawHeaders, body: body.toString(), payment };
    seen.push(record);
    response.on("error", () => {});
    const page = pages[path];
    if (page !== undefined) return page(request, response, record);
    if (payment === undefined) return ask(response);
    return deliver(response, payment);
  };
  const { url, close } = await listen(tls ? https.createServer(tls, serve) : http.createServer(serve));
  return {
    url: tls ? url.replace("http:", "https:") : url,
    close,
    pages,
    seen: () => seen,
    at: (path) => seen.filter((each) => each.path === path),
    payments: () => seen.map((each) => each.payment).filter((each) => each !== undefined),
    forget: () => seen.splice(0),
  };
}
