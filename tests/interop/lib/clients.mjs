// SPDX-License-Identifier: Apache-2.0
// The paying clients of the matrix, each as `pay({url, key, rpc}) -> {status, body, receipt}`.

import "./node18.mjs";
import { createWalletClient, http } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { baseSepolia } from "viem/chains";
import { decodePaymentResponseHeader, wrapFetchWithPayment, x402Client } from "@x402/fetch";
import { ExactEvmScheme } from "@x402/evm/exact/client";
import { decodeXPaymentResponse, wrapFetchWithPayment as wrapFetchWithPaymentV1 } from "x402-fetch";
import { NETWORK, NETWORK_V1 } from "./chain.mjs";
import { farthingPay } from "./farthing.mjs";

export const CLIENTS = {
  ref_v2: {
    title: "the reference v2 fetch client",
    receiptNetwork: NETWORK,
    async pay({ url, key }) {
      const client = new x402Client().register(NETWORK, new ExactEvmScheme(privateKeyToAccount(key)));
      const response = await wrapFetchWithPayment(fetch, client)(url);
      const header = response.headers.get("PAYMENT-RESPONSE");
      return {
        status: response.status,
        body: await response.text(),
        cacheControl: response.headers.get("cache-control"),
        receipt: header === null ? null : decodePaymentResponseHeader(header),
      };
    },
  },

  ref_v1: {
    title: "the reference v1 fetch client",
    receiptNetwork: NETWORK_V1,
    async pay({ url, key, rpc }) {
      const account = privateKeyToAccount(key);
      const wallet = createWalletClient({ account, chain: baseSepolia, transport: http(rpc) });
      const response = await wrapFetchWithPaymentV1(fetch, wallet)(url);
      const header = response.headers.get("X-PAYMENT-RESPONSE");
      return {
        status: response.status,
        body: await response.text(),
        receipt: header === null ? null : decodeXPaymentResponse(header),
      };
    },
  },

  // `farthing pay --json` reports what it read from the receipt header, whatever the version of the server.
  ours: {
    title: "farthing pay",
    receiptNetwork: NETWORK,
    async pay({ url, key }) {
      const result = await farthingPay({ url, key });
      const { status, paid, transaction, network, body } = result;
      return { status, body, receipt: { success: paid, transaction, network }, said: result };
    },
  },
};
