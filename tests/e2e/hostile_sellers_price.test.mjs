// SPDX-License-Identifier: Apache-2.0
// Sellers that want more than they say: in another unit, at another price, in many small payments, among other offers.

import assert from "node:assert/strict";
import { NETWORK } from "../interop/lib/chain.mjs";
import { ask, askV1, deliver, offer, offerV1, PAY_TO, requiredHeader } from "./lib/seller.mjs";
import { asksFor, openStage, relays, sells } from "./lib/stage.mjs";

const kind = openStage();
const OTHER = "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc";
const times = (count, value) => Array(count).fill(value);
const usdc = { name: "USDC", version: "2" };

kind("unit confusion", {
  hostile: [
    {
      name: "ten dollars, said to be of a token with nine decimals",
      pages: () => ({ "/page": sells({ amount: "10000000", extra: { ...usdc, decimals: 9 } }) }),
      exits: [3],
      errors: [["not_allowed", /\$10 asked, at most \$0\.01 per request/]],
      story: ["refuse per_request"],
    },
    {
      name: "a price in words beside an amount that is another",
      pages: () => ({
        "/page": (_request, response) =>
          ask(response, [offer({ amount: "1000000", price: "$0.001" })], "Pay $0.001 (1000 units)", { description: "$0.001" }),
      }),
      exits: [3],
      errors: [["not_allowed", /\$1 asked/]],
      story: ["refuse per_request"],
    },
    {
      name: "amounts that are no whole number of atomic units",
      pages: () => ({
        "/page": asksFor(
          ["0.001", "0x3e8", "1e3", "1000 ", "+1000", "-1000", "1_000", "١٠٠٠", "", 1000].map((amount) => offer({ amount })),
        ),
      }),
      exits: [3],
      errors: ["no_acceptable_offer"],
      story: [],
    },
    {
      name: "eighteen decimals in version 1",
      pages: () => ({ "/page": (_request, response) => askV1(response, [offerV1({ amount: "1000000000000000" })]) }),
      exits: [3],
      errors: [["not_allowed", /\$1000000000 asked/]],
      story: ["refuse per_request"],
    },
  ],
  honest: [
    {
      name: "a cent in atomic units, whatever stands beside it",
      pages: () => ({ "/page": sells({ amount: "10000", price: "$0.001", extra: { ...usdc, decimals: 9 } }) }),
      signed: [["10000", PAY_TO]],
      story: ["allow settled"],
    },
  ],
});

/// Asks the prices in turn, and delivers to whoever pays.
function turns(prices) {
  let turn = 0;
  return (_request, response, { payment }) =>
    payment === undefined ? ask(response, [offer({ amount: prices[turn++] })]) : deliver(response, payment);
}

kind("price bait", {
  hostile: [
    {
      name: "the price rises when the payment is there",
      pages: () => ({
        "/page": (_request, response, { payment }) =>
          ask(response, [offer({ amount: payment === undefined ? "1000" : "9000" })], "the price has changed"),
      }),
      exits: [3],
      errors: [["payment_rejected", /the price has changed/]],
      signed: [["1000", PAY_TO]],
      story: ["allow signed"],
    },
    {
      name: "cheap when asked for a price, dear when asked for the goods",
      pages: () => ({ "/page": turns(["1000", "9000"]) }),
      visits: [
        { to: "/page", args: ["--dry-run"] },
        { to: "/page", args: ["--max-amount", "$0.001"] },
      ],
      exits: [0, 3],
      errors: ["over_limit"],
      story: [],
    },
    {
      name: "cheap until it is known, then three times the price",
      pages: () => ({ "/page": turns(["1000", "1000", "1000", "3000"]) }),
      visits: times(4, "/page"),
      exits: [0, 0, 0, 3],
      errors: [["not_allowed", /price \$0\.003 is more than 100 % above the usual price \$0\.001/]],
      signed: times(3, ["1000", PAY_TO]),
      story: [...times(3, "allow settled"), "ask price_drift"],
    },
    {
      name: "one price in the header and another in the body",
      pages: () => ({
        "/page": (_request, response) => {
          response.writeHead(402, { "payment-required": requiredHeader([offer({ amount: "20000" })]) });
          response.end(JSON.stringify({ x402Version: 1, accepts: [offerV1()] }));
        },
      }),
      exits: [3],
      errors: [["not_allowed", /\$0\.02 asked/]],
      story: ["refuse per_request"],
    },
    {
      name: "a paid request that is sent on to a dearer page",
      pages: () => ({
        "/page": (_request, response, { payment }) => {
          if (payment === undefined) return ask(response);
          response.writeHead(307, { location: "/dear" });
          response.end();
        },
        "/dear": (_request, response) => ask(response, [offer({ amount: "9000" })], "this page is dearer"),
      }),
      exits: [3],
      errors: [["payment_rejected", /this page is dearer/]],
      signed: [["1000", PAY_TO]],
      story: ["allow signed"],
    },
  ],
  honest: [
    {
      name: "a price that doubles and no more",
      pages: () => ({ "/page": turns(["1000", "1000", "1000", "2000"]) }),
      visits: times(4, "/page"),
      exits: times(4, 0),
      signed: [...times(3, ["1000", PAY_TO]), ["2000", PAY_TO]],
      story: times(4, "allow settled"),
    },
    {
      name: "what was quoted is what is paid",
      pages: ({ goods }) => ({ "/page": relays(goods) }),
      visits: [
        { to: "/page", args: ["--dry-run"] },
        { to: "/page", args: ["--max-amount", "$0.001"] },
      ],
      exits: [0, 0],
      story: ["allow settled"],
      signed: (stage) => [["1000", stage.payTo]],
      spent: 1000n,
    },
  ],
});

kind("budget split into small payments", {
  hostile: [
    {
      name: "a cent again and again",
      pages: () => ({ "/page": sells({ amount: "10000" }) }),
      visits: times(7, "/page"),
      exits: [...times(5, 0), 3, 3],
      errors: times(2, ["not_allowed", /\$0 of \$0\.05 left today/]),
      signed: times(5, ["10000", PAY_TO]),
      story: [...times(5, "allow settled"), "refuse day", "refuse day"],
    },
    {
      name: "from many pages, queries and ports",
      pages: () => ({ "/a": sells({ amount: "10000" }), "/b": sells({ amount: "10000" }), "/C": sells({ amount: "10000" }) }),
      also: () => ({ "/a": sells({ amount: "10000" }) }),
      visits: ["/a", "/b?n=1", "/b?n=2", "/C", ({ other }) => `${other.url}/a`, ({ other }) => `${other.url}/a?n=2`, "/a"],
      exits: [...times(5, 0), 3, 3],
      errors: times(2, ["not_allowed", /left today/]),
      signed: times(5, ["10000", PAY_TO]),
      story: [...times(5, "allow settled"), "refuse day", "refuse day"],
    },
    {
      name: "each below what the operator is asked about, together above it",
      pages: () => ({ "/page": sells({ amount: "4000" }) }),
      pact: ["--limit", "$0.05", "--ask-over", "$0.01", "--per-request", "$0.01", "--vendor", "127.0.0.1:*"],
      visits: times(3, "/page"),
      exits: [0, 0, 3],
      errors: [["not_allowed", /\$0\.002 of \$0\.01 left/]],
      signed: times(2, ["4000", PAY_TO]),
      story: ["allow settled", "allow settled", "ask soft"],
    },
    {
      name: "a millionth of a dollar, faster than the pact allows",
      pages: () => ({ "/page": sells({ amount: "1" }) }),
      alter: (text) => `${text}\n[[rate]]\npayments = 3\nper = "1h"\n`,
      visits: times(5, "/page"),
      exits: [0, 0, 0, 3, 3],
      errors: times(2, ["not_allowed", /0 payments of 3 payments left/]),
      signed: times(3, ["1", PAY_TO]),
      story: [...times(3, "allow settled"), "refuse rate:1h", "refuse rate:1h"],
    },
    {
      name: "payments that are refused when they are there, and stay signed",
      pages: () => ({ "/page": (_request, response) => ask(response, [offer({ amount: "10000" })], "try again") }),
      visits: times(7, "/page"),
      exits: times(7, 3),
      errors: [...times(5, "payment_rejected"), ...times(2, "not_allowed")],
      signed: times(5, ["10000", PAY_TO]),
      story: [...times(5, "allow signed"), "refuse day", "refuse day"],
    },
  ],
  honest: [
    {
      name: "small payments up to the last cent of the budget",
      pages: () => ({ "/page": sells({ amount: "10000" }) }),
      visits: times(5, "/page"),
      exits: times(5, 0),
      signed: times(5, ["10000", PAY_TO]),
      story: times(5, "allow settled"),
    },
    {
      name: "three at a real shop",
      visits: times(3, ({ goods }) => goods),
      exits: times(3, 0),
      story: times(3, "allow settled"),
      spent: 3000n,
    },
  ],
});

const USDT_ON_CELO = "0x48065fbBE25f71C9282ddf5e1cD6D6A887483D5e";
const tether = { network: "eip155:42220", asset: USDT_ON_CELO, extra: { name: "Tether USD", version: "1" } };
const garbage = Array.from({ length: 63 }, (_, at) => offer({ scheme: `exact${at}`, amount: "1" }));

kind("accepts order", {
  hostile: [
    {
      name: "the dearest first: the cheapest is paid",
      pages: () => ({ "/page": asksFor([offer({ amount: "9000" }), offer({ amount: "300" }), offer({ amount: "8000" })]) }),
      signed: [["300", PAY_TO]],
      story: ["allow settled"],
    },
    {
      name: "a cheap entry that cannot be paid before a dear one",
      pages: () => ({ "/page": asksFor([offer({ asset: OTHER, amount: "1" }), offer({ amount: "20000" })]) }),
      exits: [3],
      errors: [["not_allowed", /\$0\.02 asked/]],
      story: ["refuse per_request"],
    },
    {
      name: "a dear one behind sixty-three that are nothing",
      pages: () => ({ "/page": asksFor([...garbage, offer({ amount: "20000" })]) }),
      exits: [3],
      errors: ["not_allowed"],
      story: ["refuse per_request"],
    },
    {
      name: "more entries than anybody needs",
      pages: () => ({ "/page": asksFor([...garbage, offer(), offer()]) }),
      exits: [3],
      errors: [["Payment required", /more than 64 entries/]],
      story: [],
    },
    {
      name: "a cheaper entry for somebody else's address",
      pages: () => ({ "/page": asksFor([offer({ amount: "1000" }), offer({ amount: "999", payTo: OTHER })]) }),
      alter: (text) => text.replace("[[vendor]]", `[[vendor]]\npay_to = ["${PAY_TO}"]`),
      exits: [3],
      errors: [["not_allowed", /which is not its address in the pact/]],
      story: ["refuse vendor_pay_to"],
    },
  ],
  honest: [
    {
      name: "the same entries, the cheapest first",
      pages: () => ({ "/page": asksFor([offer({ amount: "300" }), offer({ amount: "8000" }), offer({ amount: "9000" })]) }),
      signed: [["300", PAY_TO]],
      story: ["allow settled"],
    },
    {
      name: "behind sixty-three that are nothing, one within the pact",
      pages: () => ({ "/page": asksFor([...garbage, offer({ amount: "10000" })]) }),
      signed: [["10000", PAY_TO]],
      story: ["allow settled"],
    },
    {
      name: "a cheaper entry in an asset that the pact does not allow hides no other",
      pages: () => ({ "/page": asksFor([offer({ ...tether, amount: "500" }), offer()]) }),
      pact: ["--limit", "$0.05", "--vendor", "127.0.0.1:*", "--network", "celo"],
      alter: (text) => `assets = ["USDC"]\n${text}`,
      signed: [["1000", PAY_TO]],
      story: ["allow settled"],
      then: async ({ wallet }) => {
        const [{ network }] = (await wallet.entries()).filter((entry) => entry.kind === "decision");
        assert.equal(network, NETWORK);
      },
    },
  ],
});
