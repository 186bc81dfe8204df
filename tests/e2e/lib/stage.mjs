// SPDX-License-Identifier: Apache-2.0
// A stage for wallets and the sellers that are after them. Each scenario has a wallet of its own under a pact, a seller that
// does what the scenario says, and one list of what must be true afterwards: what was signed, for how much, to whom, how
// often; how each call ended; and what the ledger says.

import assert from "node:assert/strict";
import { cp, readFile, writeFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { makeFolder } from "./files.mjs";
import { assertExit, errorOf, farthing } from "./pay.mjs";
import { ask, decodeHeader, deliver, offer, startSeller } from "./seller.mjs";
import { startShop } from "./shop.mjs";
import { makeWallet } from "./wallet.mjs";

const FUNDS = 50_000_000n;
const LIFETIME_MAX_SECONDS = 3_600;
const HTTP_ERROR = 22; // of --fail, which says nothing
/// The pact of a scenario that names none: every port of this machine is an approved vendor.
const USUAL = ["--limit", "$0.05", "--per-request", "$0.01", "--vendor", "127.0.0.1:*"];

/// A page that asks, and delivers to whoever pays.
export const sells = (changes = {}, body) => (_request, response, { payment }) =>
  payment === undefined ? ask(response, [offer(changes)]) : deliver(response, payment, body);

/// A page that asks what `accepts` says, and delivers to whoever pays.
export const asksFor = (accepts) => (_request, response, { payment }) =>
  payment === undefined ? ask(response, accepts) : deliver(response, payment);

/// A page that passes everything on to another server, and hands what it answers to `tamper(response, answer, record)`.
export const relays = (target, tamper = pass) => async (request, response, record) => {
  const { payment, method, body } = record;
  const headers = payment === undefined ? {} : { "payment-signature": payment };
  const answer = await fetch(target, { method, headers, body: body || undefined, redirect: "manual" });
  const got = { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text() };
  for (const each of ["connection", "content-length", "transfer-encoding", "keep-alive"]) delete got.headers[each];
  return tamper(response, got, record);
};
export function pass(response, { status, headers, body }) {
  response.writeHead(status, headers);
  response.end(body);
}

/// What was signed, once for each authorisation, in the order in which it was first seen.
function authorisations(sellers) {
  const found = new Map();
  for (const each of sellers.flatMap((seller) => seller.seen())) {
    for (const name of ["payment-signature", "x-payment"]) {
      if (each.headers[name] === undefined) continue;
      const { authorization } = decodeHeader(each.headers[name]).payload;
      found.set(authorization.nonce, authorization);
    }
  }
  return [...found.values()];
}

/// `allow settled`, `refuse per_request`, `ask vendors`: each decision, and what became of it.
function storyOf(entries) {
  const fate = new Map();
  for (const { kind, decision, delivered } of entries) {
    if (kind === "signed" && !fate.has(decision)) fate.set(decision, "signed");
    if (kind === "settled") fate.set(decision, delivered ? "settled" : "settled undelivered");
    if (kind === "released") fate.set(decision, "released");
  }
  return entries
    .filter(({ kind }) => kind === "decision")
    .map(({ seq, verdict, condition }) => `${verdict} ${verdict === "allow" ? (fate.get(seq) ?? "reserved") : condition}`);
}

/// Opens a stage for this file: a chain, a real shop on it and an agent with money. Returns `kind(name, {hostile, honest})`.
///
/// A scenario: `name`; `pages(stage)` of the seller; `also(stage)` those of a second one, `stage.other`; `pact`, options of
/// `farthing pact new`; `alter(text)` of the pact; `visits`, each a path, `(stage) => url` or `{to, args}`; `exits`, an exit code
/// for each; `errors`, for each that is not paid its code, or `[code, pattern of its detail]`; `signed`, `[amount, payTo]` of each
/// authorisation that any seller saw; `story` of the ledger; `spent` on the chain; `then(stage, runs)` whatever else.
export function openStage() {
  let world;
  let shop;
  let home;
  let template;
  let places = 0;
  const pacts = new Map();
  before(async () => {
    shop = await startShop();
    world = shop.world;
    home = await makeFolder();
    template = await makeWallet(world.chain, FUNDS);
    shop.origin.handlers["/goods"] = (_request, response) => response.end("the goods\n");
  });
  after(async () => {
    await template?.remove();
    await home?.remove();
    await world?.stop();
  });

  /// A folder with the agent's key and a signed pact. Each pact is signed once.
  function signedFolder(args, alter) {
    const name = JSON.stringify([args, alter?.toString()]);
    if (!pacts.has(name)) pacts.set(name, makeSigned(args, alter));
    return pacts.get(name);
  }
  async function makeSigned(args, alter) {
    const folder = home.path(`pact-${++places}`);
    await cp(template.folder, folder, { recursive: true });
    const command = async (words, env = {}) =>
      assertExit(await farthing([...words, "--wallet", folder], { env: { FARTHING_PASSWORD: "only a test", ...env } }), 0);
    await command(["pact", "new", "--network", "base-sepolia", ...args]);
    const file = `${folder}/pact.toml`;
    if (alter) await writeFile(file, alter(await readFile(file, "utf8")));
    await command(["pact", "sign"], { FARTHING_OPERATOR_KEY: template.operatorKey });
    return folder;
  }

  async function walletUnder(args, alter) {
    const folder = home.path(`wallet-${++places}`);
    await cp(await signedFolder(args, alter), folder, { recursive: true });
    const run = (words, how = {}) =>
      farthing([...words, "--wallet", folder], { ...how, env: { FARTHING_PASSWORD: "only a test", ...how.env } });
    return {
      folder,
      run,
      asOperator: (words) => run(words, { env: { FARTHING_OPERATOR_KEY: template.operatorKey } }),
      pay: (url, words = []) => run(["pay", url, ...words]),
      async entries() {
        const { stdout } = await run(["ledger", "export"]);
        return stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line));
      },
    };
  }

  async function play(t, scenario) {
    const { pact = USUAL, alter, visits = ["/page"], exits = [0] } = scenario;
    const stage = { ...shop, chain: world.chain };
    const started = [];
    const open = async (pages) => {
      const seller = await startSeller({});
      started.push(seller);
      t.after(seller.close);
      return Object.assign(seller, { fill: () => Object.assign(seller.pages, pages(stage)) });
    };
    stage.seller = await open(scenario.pages ?? (() => ({})));
    if (scenario.also) stage.other = await open(scenario.also);
    stage.port = new URL(stage.seller.url).port;
    for (const each of started) each.fill();
    stage.wallet = await walletUnder(typeof pact === "function" ? pact(stage) : pact, alter);
    const before = await world.chain.balanceOf(template.agent);
    const runs = [];
    for (const visit of visits) {
      const { to, args = [] } = visit.to === undefined ? { to: visit } : visit;
      const url = typeof to === "function" ? to(stage) : to;
      runs.push(await stage.wallet.pay(url.startsWith("/") ? stage.seller.url + url : url, args));
    }
    assert.deepEqual(runs.map(({ code }) => code), exits, runs.map(({ stderr }) => stderr).join("\n"));
    const unpaid = runs.filter(({ code }) => code !== 0 && code !== HTTP_ERROR).map(errorOf);
    (scenario.errors ?? []).forEach((wanted, at) => {
      const [code, pattern] = [wanted].flat();
      assert.equal(unpaid[at].code, code, unpaid[at].detail);
      if (pattern) assert.match(unpaid[at].detail, pattern);
    });
    await check(scenario, stage, started, before);
    await scenario.then?.(stage, runs);
  }

  async function check({ signed = [], story, spent }, stage, sellers, before) {
    const seen = authorisations(sellers);
    const wanted = typeof signed === "function" ? signed(stage) : signed;
    assert.deepEqual(seen.map(({ value, to }) => [value, to]), wanted, "what was signed");
    const entries = await stage.wallet.entries();
    assert.deepEqual(storyOf(entries), story, JSON.stringify(entries, undefined, 1));
    assertExit(await stage.wallet.run(["ledger", "verify"]), 0);
    // What left is in the ledger, as it left, with a signature that does not live long.
    const decided = new Map(entries.map((entry) => [entry.seq, entry]));
    const noted = entries.filter(({ kind }) => kind === "signed");
    for (const { nonce, value, to, validBefore } of seen) {
      const note = noted.find((each) => each.nonce === nonce);
      assert.ok(note, `authorisation ${nonce} is not in the ledger`);
      const { verdict, amount, payTo, time } = decided.get(note.decision);
      assert.deepEqual([verdict, amount, payTo], ["allow", value, to]);
      assert.equal(String(note.validBefore), validBefore);
      assert.ok(Number(validBefore) <= time / 1000 + LIFETIME_MAX_SECONDS, validBefore);
    }
    if (spent !== undefined) assert.equal(before - (await world.chain.balanceOf(template.agent)), spent, "spent on the chain");
  }

  return function kind(name, { hostile, honest }) {
    assert.ok(hostile.length >= 3 && honest.length >= 1, `${name}: three hostile sellers and an honest one`);
    describe(name, () => {
      for (const each of hostile) test(each.name, (t) => play(t, each));
      for (const each of honest) test(`honest: ${each.name}`, (t) => play(t, each));
    });
  };
}
