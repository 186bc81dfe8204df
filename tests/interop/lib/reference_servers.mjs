// SPDX-License-Identifier: Apache-2.0
// Resource servers of the reference packages: Express and Hono for v2, Express for v1.

import http from "node:http";
import express from "express";
import { Hono } from "hono";
import { getRequestListener } from "@hono/node-server";
import { HTTPFacilitatorClient, x402ResourceServer } from "@x402/core/server";
import { ExactEvmScheme } from "@x402/evm/exact/server";
import { paymentMiddleware as expressPayments } from "@x402/express";
import { paymentMiddleware as honoPayments } from "@x402/hono";
import { paymentMiddleware as expressPaymentsV1 } from "x402-express";
import { NETWORK, NETWORK_V1 } from "./chain.mjs";
import { listen } from "./http.mjs";
import { PRICE, ROUTES } from "./origin.mjs";

function routesV2(payTo) {
  const route = ({ description, mimeType }) => ({
    accepts: { scheme: "exact", network: NETWORK, payTo, price: PRICE },
    description,
    mimeType,
  });
  return Object.fromEntries(Object.entries(ROUTES).map(([path, r]) => [`GET ${path}`, route(r)]));
}

function resourceServer(facilitatorUrl) {
  const facilitator = new HTTPFacilitatorClient({ url: facilitatorUrl });
  return new x402ResourceServer(facilitator).register(NETWORK, new ExactEvmScheme());
}

/// Puts the handlers behind Express, as a seller would write them.
function mountOnExpress(app, handlers) {
  for (const path of Object.keys(ROUTES)) {
    app.get(path, async (_request, response) => {
      const { status, body } = await handlers.handle(path);
      response.status(status).type("application/json").send(body);
    });
  }
}

export async function startExpressV2({ facilitatorUrl, payTo, handlers }) {
  const app = express();
  app.use(expressPayments(routesV2(payTo), resourceServer(facilitatorUrl)));
  mountOnExpress(app, handlers);
  return listen(http.createServer(app));
}

export async function startHonoV2({ facilitatorUrl, payTo, handlers }) {
  const app = new Hono();
  app.use(honoPayments(routesV2(payTo), resourceServer(facilitatorUrl)));
  for (const path of Object.keys(ROUTES)) {
    app.get(path, async (context) => {
      const { status, body } = await handlers.handle(path);
      return context.body(body, status, { "content-type": "application/json" });
    });
  }
  return listen(http.createServer(getRequestListener(app.fetch)));
}

export async function startExpressV1({ facilitatorUrl, payTo, handlers }) {
  const routes = Object.fromEntries(
    Object.entries(ROUTES).map(([path, { description, mimeType }]) => [
      `GET ${path}`,
      { price: PRICE, network: NETWORK_V1, config: { description, mimeType } },
    ]),
  );
  const app = express();
  app.use(expressPaymentsV1(payTo, routes, { url: facilitatorUrl }));
  mountOnExpress(app, handlers);
  return listen(http.createServer(app));
}
