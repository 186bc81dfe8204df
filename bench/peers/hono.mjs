// SPDX-License-Identifier: Apache-2.0
// The reference's Hono middleware, as a seller would use it: hono.mjs FACILITATOR_URL PAY_TO

import http from "node:http";
import { BODY, MIME_TYPE, NETWORK, PATH, routesFor } from "./offer.mjs";
import { reference, serveUntilTold } from "./packages.mjs";

const { Hono } = reference("hono");
const { getRequestListener } = reference("@hono/node-server");
const { HTTPFacilitatorClient, x402ResourceServer } = reference("@x402/core/server");
const { ExactEvmScheme } = reference("@x402/evm/exact/server");
const { paymentMiddleware } = reference("@x402/hono");

const [facilitatorUrl, payTo] = process.argv.slice(2);
const resources = new x402ResourceServer(new HTTPFacilitatorClient({ url: facilitatorUrl }));
const app = new Hono();
app.use(paymentMiddleware(routesFor(payTo), resources.register(NETWORK, new ExactEvmScheme())));
app.get(PATH, (context) => context.body(BODY, 200, { "content-type": MIME_TYPE }));
await serveUntilTold(http.createServer(getRequestListener(app.fetch)));
