// SPDX-License-Identifier: Apache-2.0
// An agent's wallet in a folder of its own, with its operator.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { NETWORK } from "../../interop/lib/chain.mjs";
import { generatePrivateKey, privateKeyToAccount } from "../../interop/lib/packages.mjs";
import { makeFolder } from "./files.mjs";
import { assertExit, farthing } from "./pay.mjs";

export const PASSWORD = "only a test";

/// The one JSON line of a run that went well.
export function said(run) {
  assertExit(run, 0);
  return JSON.parse(run.stdout);
}

/// A wallet whose agent has `funds` atomic units. Its commands run with its password, and with the operator's key only
/// where `asOperator` says so.
export async function makeWallet(chain, funds) {
  const home = await makeFolder();
  const folder = home.path("wallet");
  const operatorKey = generatePrivateKey();
  const operator = privateKeyToAccount(operatorKey).address;
  const run = (args, { env = {}, ...how } = {}) =>
    farthing([...args, "--wallet", folder], { env: { FARTHING_PASSWORD: PASSWORD, ...env }, ...how });
  const asOperator = (args, key = operatorKey) => run(args, { env: { FARTHING_OPERATOR_KEY: key } });
  const made = said(await run(["wallet", "init", "--operator", operator, "--light"]));
  assert.equal(made.operator, operator);
  if (funds > 0n) await chain.write("transfer", [made.address, funds]);
  const pactFile = `${folder}/pact.toml`;
  return {
    folder,
    agent: made.address,
    operator,
    operatorKey,
    pactFile,
    run,
    asOperator,
    pay: (url, args = [], how = {}) => run(["pay", url, ...args], how),
    /// A small pact of these options, signed.
    async pact(args) {
      said(await run(["pact", "new", "--network", NETWORK, ...args]));
      return said(await asOperator(["pact", "sign"]));
    },
    /// Changes the text of the pact and nothing else.
    async alterPact(change) {
      await writeFile(pactFile, change(await readFile(pactFile, "utf8")));
    },
    /// The entries of the ledger, oldest first.
    async entries(args = []) {
      const shown = await run(["ledger", "show", "--last", "1000", ...args]);
      assertExit(shown, 0);
      return shown.stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line));
    },
    remove: home.remove,
  };
}

/// The same, gone with the test; with `pact`, options of a pact that the operator has signed.
export async function walletOf(t, chain, funds, pact) {
  const wallet = await makeWallet(chain, funds);
  t.after(wallet.remove);
  if (pact) await wallet.pact(pact);
  return wallet;
}
