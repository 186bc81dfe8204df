// SPDX-License-Identifier: Apache-2.0
// Makes vectors/pact.json: `node tools/make_pact_vector.mjs > vectors/pact.json`. The types and the reading of the document are
// written here a second time, on purpose: what viem hashes is then an independent answer to farthing/policy.

import { createRequire } from "node:module";

const require = createRequire(new URL("../tests/interop/package.json", import.meta.url));
const { hashTypedData, parseUnits } = require("viem");
const { privateKeyToAccount } = require("viem/accounts");

const key = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"; // a public test key of local chains

const document = {
  version: 1,
  id: "research-7",
  name: "Research assistant – Zürich",
  agent: "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
  not_before: "2026-11-01",
  expires: "2026-12-01T12:30:00Z",
  utc_offset: "-03:30",
  networks: ["eip155:8453", "eip155:84532"],
  assets: ["USDC", "TEST"],
  token: [
    {
      network: "eip155:84532",
      address: "0x5FbDB2315678afecb367f032d93F642f64180aa3",
      symbol: "TEST",
      decimals: 18,
      value: "$1.5",
    },
  ],
  lifetime_max: "10m",
  deny: [{ host: "*.evil.example" }, { pay_to: "0x90F79bf6EB2c4f870365E785982E1f101E93b906" }, { did: "did:web:evil.example" }],
  other_vendors: "ask",
  vendor: [
    { host: "api.example.com", pay_to: ["0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65"], category: "search" },
    { host: "*.tools.example:8443", did: "did:web:tools.example", category: "tools" },
  ],
  scope: [
    { urls: ["https://api.example.com/v1/**"], methods: ["GET", "POST"] },
    { tools: ["search_*"], tasks: ["t-*"] },
  ],
  pay_to_change: "refuse",
  price_drift: { history: 50, quote: 5, then: "refuse" },
  per_request: "$0.05",
  limit: [
    { amount: "$1", per: "day" },
    { amount: "0.25 USDC", per: "90s", vendor: "each" },
    { name: "searching", amount: "$3", per: "week", category: "search", over: "ask", alert_at: [50, 90] },
    { amount: "$10", per: "pact", task: "t-1", alert_at: [] },
  ],
  rate: [{ payments: 10, per: "1m" }, { name: "daily", payments: 100, per: "day", vendor: "api.example.com", over: "ask" }],
  ask_above: "$0.02",
  justify_above: "$0",
  trust_min: 60,
  trust_unknown: "ask",
  alert_at: [80, 100],
};

const fields = (text) =>
  text.split(",").map((each) => {
    const [type, name] = each.trim().split(" ");
    return { type, name };
  });

const types = {
  Amount: fields("uint256 value, string unit"),
  Token: fields("string network, address address, string symbol, uint32 decimals, Amount[] value"),
  Denied: fields("string[] host, address[] pay_to, string[] did"),
  Vendor: fields("string[] host, address[] pay_to, string[] did, string category"),
  Scope: fields("string[] urls, string[] methods, string[] tools, string[] tasks"),
  PriceDrift: fields("uint32 history, uint32 quote, string then"),
  Limit: fields(
    "string[] name, Amount amount, string per, string[] vendor, string[] category, string[] task, string over, uint32[][] alert_at",
  ),
  Rate: fields("string[] name, uint32 payments, string per, string[] vendor, string over"),
  Pact: fields(
    "uint32 version, string id, string name, bool stopped, address agent, uint64[] not_before, uint64 expires, int32 utc_offset, " +
      "bool plain_http, string[] networks, string[] assets, Token[] token, uint64 lifetime_max, Denied[] deny, " +
      "string[] other_vendors, Vendor[] vendor, Scope[] scope, string pay_to_change, PriceDrift price_drift, Amount per_request, " +
      "Limit[] limit, Rate[] rate, Amount[] ask_above, Amount[] justify_above, uint32[] trust_min, string trust_unknown, " +
      "uint32[] alert_at",
  ),
};

const own = (name) => `${name}(${types[name].map(({ type, name: member }) => `${type} ${member}`).join(",")})`;
const others = Object.keys(types).filter((name) => name !== "Pact");

// EIP-712 has no absent member: none or one.
const maybe = (value, read = (each) => each) => (value === undefined ? [] : [read(value)]);
const amount = (text) => {
  const [number, unit = ""] = text.replace("$", "").split(" ");
  return { value: parseUnits(number, 18), unit };
};
const seconds = (text) => BigInt(Date.parse(text) / 1000);
const span = (text) => BigInt(parseInt(text, 10) * { s: 1, m: 60, h: 3600, d: 86400 }[text.at(-1)]);

const message = {
  ...document,
  stopped: false,
  plain_http: false,
  not_before: maybe(document.not_before, seconds),
  expires: seconds(document.expires),
  utc_offset: -210,
  token: document.token.map((each) => ({ ...each, value: maybe(each.value, amount) })),
  lifetime_max: span(document.lifetime_max),
  deny: document.deny.map((each) => ({ host: maybe(each.host), pay_to: maybe(each.pay_to), did: maybe(each.did) })),
  other_vendors: maybe(document.other_vendors),
  vendor: document.vendor.map((each) => ({ ...each, host: maybe(each.host), pay_to: each.pay_to ?? [], did: maybe(each.did) })),
  scope: document.scope.map((each) => ({ urls: [], methods: [], tools: [], tasks: [], ...each })),
  per_request: amount(document.per_request),
  limit: document.limit.map((each) => ({
    over: "refuse",
    ...each,
    name: maybe(each.name),
    amount: amount(each.amount),
    vendor: maybe(each.vendor),
    category: maybe(each.category),
    task: maybe(each.task),
    alert_at: maybe(each.alert_at),
  })),
  rate: document.rate.map((each) => ({ over: "refuse", ...each, name: maybe(each.name), vendor: maybe(each.vendor) })),
  ask_above: maybe(document.ask_above, amount),
  justify_above: maybe(document.justify_above, amount),
  trust_min: maybe(document.trust_min),
};

const typedData = { domain: { name: "Farthing Pact", version: "1" }, types, primaryType: "Pact", message };
const account = privateKeyToAccount(key);
const vector = {
  source: "hashed and signed by viem 2.57.1: node tools/make_pact_vector.mjs > vectors/pact.json; the key is a public test key",
  key,
  signer: account.address,
  type: ["Pact", ...others.sort()].map(own).join(""),
  digest: hashTypedData(typedData),
  signature: await account.signTypedData(typedData),
  document,
};
console.log(JSON.stringify(vector, null, 2));
