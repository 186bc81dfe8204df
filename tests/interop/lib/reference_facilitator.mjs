// SPDX-License-Identifier: Apache-2.0
// Reference facilitators over HTTP, v2 (@x402/evm) and v1 (x402), with the status conventions of the reference's
// own wrappers: 200 for business answers, 400 for missing members, 500 with the message for an exception.

import http from "node:http";
import express from "express";
import { x402Facilitator } from "@x402/core/facilitator";
import { toFacilitatorEvmSigner } from "@x402/evm";
import { ExactEvmScheme } from "@x402/evm/exact/facilitator";
import { settle as settleV1, verify as verifyV1 } from "x402/facilitator";
import { PaymentPayloadSchema, PaymentRequirementsSchema } from "x402/types";
import { NETWORK, NETWORK_V1, walletOn } from "./chain.mjs";
import { listen } from "./http.mjs";

/// `{verify(payload, requirements), settle(payload, requirements), supported()}` served over HTTP.
async function serve(implementation, settler) {
  const calls = { verify: 0, settle: 0 };
  const app = express();
  app.use(express.json({ limit: "1mb" }));
  const route = (name) => async (request, response) => {
    calls[name] += 1;
    const { paymentPayload, paymentRequirements } = request.body ?? {};
    if (!paymentPayload || !paymentRequirements) {
      return response.status(400).json({ error: "Missing paymentPayload or paymentRequirements" });
    }
    try {
      return response.json(await implementation[name](paymentPayload, paymentRequirements));
    } catch (error) {
      return response.status(500).json({ error: error instanceof Error ? error.message : "Unknown error" });
    }
  };
  app.post("/verify", route("verify"));
  app.post("/settle", route("settle"));
  app.get("/supported", (_request, response) => response.json(implementation.supported()));
  const server = await listen(http.createServer(app));
  return { url: server.url, stop: server.close, calls, settler };
}

export async function startFacilitatorV2({ rpc, account }) {
  const wallet = walletOn(rpc, account.key);
  const signer = toFacilitatorEvmSigner({ ...wallet, address: account.address });
  const facilitator = new x402Facilitator().register(NETWORK, new ExactEvmScheme(signer));
  return serve(
    {
      verify: (payload, requirements) => facilitator.verify(payload, requirements),
      settle: (payload, requirements) => facilitator.settle(payload, requirements),
      supported: () => facilitator.getSupported(),
    },
    account.address,
  );
}

export async function startFacilitatorV1({ rpc, account }) {
  const wallet = walletOn(rpc, account.key);
  const parsed = (payload, requirements) => [
    PaymentPayloadSchema.parse(payload),
    PaymentRequirementsSchema.parse(requirements),
  ];
  return serve(
    {
      verify: async (payload, requirements) => verifyV1(wallet, ...parsed(payload, requirements)),
      settle: async (payload, requirements) => settleV1(wallet, ...parsed(payload, requirements)),
      supported: () => ({ kinds: [{ x402Version: 1, scheme: "exact", network: NETWORK_V1 }] }),
    },
    account.address,
  );
}
