// SPDX-License-Identifier: Apache-2.0
// Sellers that are somebody else: at another address, under a name that looks alike, with what another one sells, paid in
// another token or on another chain.

import assert from "node:assert/strict";
import { ask, askV1, decodeHeader, deliver, deliverV1, offer, offerV1, PAY_TO, receiptFor } from "./lib/seller.mjs";
import { asksFor, openStage, relays, sells } from "./lib/stage.mjs";

const kind = openStage();
const OTHER = "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc";
const times = (count, value) => Array(count).fill(value);
const moved = (location) => (_request, response) => {
  response.writeHead(307, { location });
  response.end();
};
const named = (text) => text.replace("[[vendor]]", `[[vendor]]\npay_to = ["${PAY_TO}"]`);

/// A page that wants to be paid at these addresses in turn.
function addresses(...turns) {
  let turn = 0;
  return (_request, response, { payment }) =>
    payment === undefined ? ask(response, [offer({ payTo: turns[turn++] })]) : deliver(response, payment);
}

kind("recipient redirect", {
  hostile: [
    {
      name: "another address at the second visit",
      pages: () => ({ "/page": addresses(PAY_TO, OTHER) }),
      visits: ["/page", "/page"],
      exits: [0, 3],
      errors: [["not_allowed", new RegExp(`was paid to ${PAY_TO} before and now wants ${OTHER}`)]],
      signed: [["1000", PAY_TO]],
      story: ["allow settled", "ask pay_to_change"],
    },
    {
      name: "another address on another page, under a pact that refuses it",
      pages: () => ({ "/a": addresses(PAY_TO), "/b": addresses(OTHER) }),
      alter: (text) => `pay_to_change = "refuse"\n${text}`,
      visits: ["/a", "/b"],
      exits: [0, 3],
      errors: ["not_allowed"],
      signed: [["1000", PAY_TO]],
      story: ["allow settled", "refuse pay_to_change"],
    },
    {
      name: "an address that is not the vendor's in the pact, at the first visit",
      pages: () => ({ "/page": addresses(OTHER) }),
      alter: named,
      exits: [3],
      errors: ["not_allowed"],
      story: ["refuse vendor_pay_to"],
    },
    {
      name: "an address that the operator denied, at an approved vendor",
      pages: () => ({ "/page": addresses(OTHER) }),
      alter: (text) => `${text}\n[[deny]]\npay_to = "${OTHER}"\n`,
      exits: [3],
      errors: ["not_allowed"],
      story: ["refuse deny"],
    },
    {
      name: "another address when the payment is there",
      pages: () => ({
        "/page": (_request, response, { payment }) =>
          ask(response, [offer({ payTo: payment === undefined ? PAY_TO : OTHER })], "wrong recipient"),
      }),
      exits: [3],
      errors: [["payment_rejected", /wrong recipient/]],
      signed: [["1000", PAY_TO]],
      story: ["allow signed"],
    },
    {
      name: "a payment that is sent on to another server",
      pages: ({ other }) => ({
        "/page": (request, response, { payment }) =>
          payment === undefined ? ask(response) : moved(`${other.url}/page`)(request, response),
      }),
      also: () => ({ "/page": addresses(OTHER) }),
      exits: [5],
      errors: ["outcome_unknown"],
      signed: [["1000", PAY_TO]],
      story: ["allow signed"],
      then: ({ other }) => assert.deepEqual(other.seen(), [], "nothing goes to the other server"),
    },
  ],
  honest: [
    {
      name: "the same address at the second visit",
      pages: () => ({ "/page": addresses(PAY_TO, PAY_TO.toLowerCase()) }),
      visits: ["/page", "/page"],
      exits: [0, 0],
      signed: times(2, ["1000", PAY_TO]),
      story: times(2, "allow settled"),
    },
    {
      name: "the address of the pact",
      pages: () => ({ "/page": addresses(PAY_TO) }),
      alter: named,
      signed: [["1000", PAY_TO]],
      story: ["allow settled"],
    },
    {
      name: "a real shop gets it",
      visits: [({ goods }) => goods],
      story: ["allow settled"],
      spent: 1000n,
      then: async ({ chain, payTo }) => assert.ok((await chain.balanceOf(payTo)) >= 1000n),
    },
  ],
});

/// Under these names every port of this machine answers (RFC 6761).
const at = (host) => ({ port }) => `http://${host}:${port}/page`;
const shopOnly = ["--limit", "$0.05", "--vendor", "shop.localhost:*"];
const anybody = (text) => `other_vendors = "allow"\n${text}`;
const stranger = (host) => ({
  name: `${host} is not shop.localhost`,
  pages: () => ({ "/page": sells() }),
  pact: shopOnly,
  visits: [at(host)],
  exits: [3],
  errors: [["not_allowed", /is not on the pact's list of vendors/]],
  story: ["refuse vendors"],
});

kind("look-alike domain", {
  hostile: [
    stranger("sh0p.localhost"),
    stranger("shop.localhost.evil.localhost"),
    stranger("evil-shop.localhost"),
    stranger("www.shop.localhost"),
    stranger("xn--shp-fna.localhost"),
    {
      name: "a name in other letters, where others are allowed",
      pages: () => ({ "/page": sells() }),
      pact: ["--limit", "$0.05"],
      alter: anybody,
      visits: [at("xn--shp-fna.localhost")],
      exits: [3],
      errors: [["not_allowed", /may look like another/]],
      story: ["ask idn"],
    },
    {
      name: "a denied host in capitals, with a dot at its end, on another port",
      pages: () => ({ "/page": sells() }),
      pact: ["--limit", "$0.05"],
      alter: (text) => `${anybody(text)}\n[[deny]]\nhost = "evil.localhost"\n`,
      visits: [at("EVIL.localhost"), at("evil.localhost.")],
      exits: [3, 3],
      errors: times(2, ["not_allowed", /denied this vendor/]),
      story: times(2, "refuse deny"),
    },
    {
      name: "the approved host on a port that is not approved",
      pages: () => ({ "/page": sells() }),
      pact: ["--limit", "$0.05", "--vendor", "shop.localhost:1"],
      visits: [at("shop.localhost")],
      exits: [3],
      errors: ["not_allowed"],
      story: ["refuse vendors"],
    },
    {
      name: "an approved host that sends on to another",
      pages: ({ port }) => ({ "/page": moved(`http://evil.localhost:${port}/till`), "/till": sells() }),
      pact: shopOnly,
      visits: [at("shop.localhost")],
      exits: [3],
      errors: [["not_allowed", /evil\.localhost/]],
      story: ["refuse vendors"],
    },
    {
      name: "an address in another spelling",
      pages: () => ({ "/page": sells() }),
      visits: [at("127.1"), at("0x7f.0.0.1"), at("2130706433")],
      exits: [3, 3, 3],
      errors: times(3, "not_allowed"),
      story: times(3, "refuse url"),
    },
    {
      name: "a user name that looks like a host, and a Host header that is one",
      pages: () => ({ "/page": sells() }),
      visits: [
        ({ port }) => `http://shop.localhost@127.0.0.1:${port}/page`,
        { to: "/page", args: ["-H", "Host: shop.localhost"] },
      ],
      exits: [2, 2],
      errors: ["invalid_argument", ["invalid_argument", /Host header/]],
      story: [],
      then: ({ seller }) => assert.deepEqual(seller.seen(), []),
    },
  ],
  honest: [
    {
      name: "shop.localhost, in capitals or with a dot at its end",
      pages: () => ({ "/page": sells() }),
      pact: shopOnly,
      visits: [at("shop.localhost"), at("SHOP.LOCALHOST"), at("shop.localhost.")],
      exits: [0, 0, 0],
      signed: times(3, ["1000", PAY_TO]),
      story: times(3, "allow settled"),
      then: async ({ wallet, port }) => {
        const vendors = (await wallet.entries()).filter((entry) => entry.kind === "decision").map(({ vendor }) => vendor);
        assert.deepEqual(vendors, times(3, `shop.localhost:${port}`));
        assert.equal((await wallet.entries()).filter((entry) => entry.kind === "pin").length, 1, "one vendor, one pin");
      },
    },
    {
      name: "a real shop under its name",
      pact: shopOnly,
      visits: [({ goods }) => goods.replace("127.0.0.1", "shop.localhost")],
      story: ["allow settled"],
      spent: 1000n,
    },
  ],
});

/// A page whose 402 is for what is at `url`.
const claims = (url) => (_request, response, { payment }) =>
  payment === undefined ? ask(response, [offer()], undefined, { url }) : deliver(response, payment);

kind("resource spoof", {
  hostile: [
    {
      name: "the offer of another host, passed on",
      pages: () => ({ "/page": claims("https://api.rich.example/v1/reports") }),
      exits: [3],
      errors: [["not_allowed", /its offer is for what api\.rich\.example has/]],
      story: ["ask resource"],
    },
    {
      name: "the same in version 1",
      pages: () => ({
        "/page": (_request, response) => askV1(response, [offerV1({ resource: "https://api.rich.example/v1/reports" })]),
      }),
      exits: [3],
      errors: ["not_allowed"],
      story: ["ask resource"],
    },
    {
      name: "the offer of an approved shop, from a host that nobody asked about",
      pages: () => ({ "/page": claims("http://shop.localhost/page") }),
      pact: ["--limit", "$0.05"],
      alter: anybody,
      visits: [at("evil.localhost")],
      exits: [3],
      errors: ["not_allowed"],
      story: ["ask resource"],
    },
    {
      name: "the approved shop's name as the first part of another",
      pages: () => ({ "/page": claims("http://shop.localhost.evil.example/page") }),
      pact: shopOnly,
      visits: [at("shop.localhost")],
      exits: [3],
      errors: ["not_allowed"],
      story: ["ask resource"],
    },
    {
      name: "what was paid for leads to another till",
      pages: () => ({
        "/page": (_request, response, { payment }) => {
          if (payment === undefined) return ask(response);
          response.writeHead(303, { location: "/other", "payment-response": receiptFor(payment) });
          response.end();
        },
        "/other": (_request, response) => ask(response),
      }),
      exits: [5],
      errors: [["outcome_unknown", /leads to another 402/]],
      signed: [["1000", PAY_TO]],
      story: ["allow settled undelivered"],
      then: ({ seller }) => assert.deepEqual(seller.at("/other").map(({ payment }) => payment), [undefined]),
    },
  ],
  honest: [
    {
      name: "its own resource, in another spelling",
      pages: () => ({ "/page": claims("HTTPS://SHOP.localhost.:8443/Page?x=1") }),
      pact: shopOnly,
      visits: [at("shop.localhost")],
      signed: [["1000", PAY_TO]],
      story: ["allow settled"],
    },
    {
      name: "a name inside its own network, as behind a proxy",
      pages: () => ({ "/page": claims("http://backend:3000/page") }),
      signed: [["1000", PAY_TO]],
      story: ["allow settled"],
    },
    {
      name: "another name, and the address that the pact has for it",
      pages: () => ({ "/page": claims("https://api.rich.example/v1/reports") }),
      alter: named,
      signed: [["1000", PAY_TO]],
      story: ["allow settled"],
    },
  ],
});

const celo = (changes) => offer({ network: "eip155:42220", ...changes });

kind("asset swap", {
  hostile: [
    {
      name: "another contract that calls itself USDC",
      pages: () => ({ "/page": sells({ asset: OTHER }) }),
      exits: [3],
      errors: [["no_acceptable_offer", /is not on the list of known assets/]],
      story: [],
    },
    {
      name: "the right contract of another chain",
      pages: () => ({ "/page": sells({ asset: "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913" }) }),
      exits: [3],
      errors: ["no_acceptable_offer"],
      story: [],
    },
    {
      name: "the right contract under another token's signing domain",
      pages: () => ({ "/page": sells({ extra: { name: "USD Coin", version: "2" } }) }),
      exits: [3],
      errors: ["no_acceptable_offer"],
      story: [],
    },
    {
      name: "a known token that the pact does not allow",
      pages: () => ({
        "/page": asksFor([
          celo({ asset: "0x48065fbBE25f71C9282ddf5e1cD6D6A887483D5e", extra: { name: "Tether USD", version: "1" } }),
        ]),
      }),
      pact: ["--limit", "$0.05", "--vendor", "127.0.0.1:*", "--network", "celo"],
      alter: (text) => `assets = ["USDC"]\n${text}`,
      exits: [3],
      errors: [["no_acceptable_offer", /asset USDT is not one you allow/]],
      story: [],
    },
    {
      name: "another token when the payment is there",
      pages: () => ({
        "/page": (_request, response, { payment }) =>
          ask(response, [offer(payment === undefined ? {} : { asset: OTHER })], "pay in the other token"),
      }),
      exits: [3],
      errors: ["payment_rejected"],
      signed: [["1000", PAY_TO]],
      story: ["allow signed"],
    },
  ],
  honest: [
    {
      name: "the same contract in lower case",
      pages: () => ({ "/page": sells({ asset: "0x036cbd53842c5426634e7929541ec2318f3dcf7e" }) }),
      signed: [["1000", PAY_TO]],
      story: ["allow settled"],
    },
    {
      name: "a real shop",
      pages: ({ goods }) => ({ "/page": relays(goods) }),
      signed: ({ payTo }) => [["1000", payTo]],
      story: ["allow settled"],
      spent: 1000n,
    },
  ],
});

const mainnet = offer({
  network: "eip155:8453",
  asset: "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913",
  extra: { name: "USD Coin", version: "2" },
});
const v1Shop = (changes) => (request, response) => {
  const payment = request.headers["x-payment"];
  return payment === undefined ? askV1(response, [offerV1(changes)]) : deliverV1(response, payment);
};

kind("rail switch", {
  hostile: [
    {
      name: "the main network under a pact for the test network",
      pages: () => ({ "/page": asksFor([mainnet]) }),
      exits: [3],
      errors: [["no_acceptable_offer", /network eip155:8453 is not one you allow/]],
      story: [],
    },
    {
      name: "the main network in version 1",
      pages: () => ({ "/page": v1Shop({ network: "base", asset: mainnet.asset, extra: mainnet.extra }) }),
      exits: [3],
      errors: ["no_acceptable_offer"],
      story: [],
    },
    {
      name: "other schemes, other chains, and money before the work",
      pages: () => ({
        "/page": asksFor([
          offer({ scheme: "upto" }),
          offer({ scheme: "batch-settlement" }),
          offer({ network: "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp" }),
          offer({ extra: { name: "USDC", version: "2", paymentFlow: "upfront" } }),
          offer({ extra: { name: "USDC", version: "2", assetTransferMethod: "permit2" } }),
        ]),
      }),
      exits: [3],
      errors: ["no_acceptable_offer"],
      story: [],
    },
    {
      name: "a second rail when the first was paid",
      pages: () => ({
        "/page": (request, response, { payment }) => {
          if (request.headers["x-payment"] !== undefined) return deliverV1(response, request.headers["x-payment"]);
          return payment === undefined ? ask(response) : askV1(response);
        },
      }),
      exits: [3],
      errors: ["payment_rejected"],
      signed: [["1000", PAY_TO]],
      story: ["allow signed"],
    },
  ],
  honest: [
    {
      name: "the test network in version 1",
      pages: () => ({ "/page": v1Shop({}) }),
      signed: [["1000", PAY_TO]],
      story: ["allow settled"],
      then: ({ seller }) => {
        const [, paid] = seller.seen();
        assert.equal(decodeHeader(paid.headers["x-payment"]).network, "base-sepolia");
      },
    },
    {
      name: "the main network beside the test network",
      pages: () => ({ "/page": asksFor([mainnet, offer()]) }),
      signed: [["1000", PAY_TO]],
      story: ["allow settled"],
    },
  ],
});
