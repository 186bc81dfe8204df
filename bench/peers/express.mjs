// SPDX-License-Identifier: Apache-2.0
// The reference's Express middleware, as a seller would use it: express.mjs FACILITATOR_URL PAY_TO

import http from "node:http";
import { BODY, MIME_TYPE, NETWORK, PATH, routesFor } from "./offer.mjs";
import { reference, serveUntilTold } from "./packages.mjs";

const express = reference("express");
const { HTTPFacilitatorClient, x402ResourceServer } = reference("@x402/core/server");
const { ExactEvmScheme } = reference("@x402/evm/exact/server");
const { paymentMiddleware } = reference("@x402/express");

const [facilitatorUrl, payTo] = process.argv.slice(2);
const resources = new x402ResourceServer(new HTTPFacilitatorClient({ url: facilitatorUrl }));
const app = express();
app.use(paymentMiddleware(routesFor(payTo), resources.register(NETWORK, new ExactEvmScheme())));
app.get(PATH, (_request, response) => response.type(MIME_TYPE).send(BODY));
await serveUntilTold(http.createServer(app));
