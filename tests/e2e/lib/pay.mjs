// SPDX-License-Identifier: Apache-2.0
// `farthing` as somebody types it: in a pipe, and on a terminal.

import assert from "node:assert/strict";
import { farthingBinary } from "../../interop/lib/farthing.mjs";
import { NETWORK, USDC } from "../../interop/lib/chain.mjs";
import { runToEnd } from "../../interop/lib/processes.mjs";
import { decodeHeader } from "./seller.mjs";

/// Nothing of the caller's own environment may decide a test.
const CLEAN = { FARTHING_KEY: undefined, FARTHING_PASSWORD: undefined, FARTHING_WALLET: undefined };

/// Runs `farthing ARGS` to its end.
export function farthing(args, { env = {}, ...how } = {}) {
  const name = `farthing ${args[0]}`;
  return runToEnd({ name, command: farthingBinary(), args, env: { ...CLEAN, ...env }, ...how });
}

/// Runs `farthing pay ARGS` with a key in the environment, when one is given.
export const pay = (args, { key, env = {}, ...how } = {}) =>
  farthing(["pay", ...args], { env: { FARTHING_KEY: key, ...env }, ...how });

/// A shell that runs `script`, whose $0 is the program and whose $1 and so on are `args`.
export const shell = (script, args, { key, env = {}, ...how } = {}) =>
  runToEnd({
    name: "sh",
    command: "sh",
    args: ["-c", script, farthingBinary(), ...args],
    env: { ...CLEAN, FARTHING_KEY: key, ...env },
    ...how,
  });

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/// The same on a pseudo-terminal, where stdout and stderr are one. Line ends come as the terminal writes them.
export function onTerminal(args, { env = {}, ...how } = {}) {
  const command = [farthingBinary(), ...args].map(quoted).join(" ");
  return runToEnd({
    name: "script",
    command: "script",
    args: ["-qec", command, "/dev/null"],
    env: { ...CLEAN, ...env },
    ...how,
  });
}

/// The error a run ended with: the one JSON line on its stderr that has it.
export function errorOf(run) {
  const lines = run.stderr.split("\n").filter((line) => line.startsWith('{"error"'));
  assert.equal(lines.length, 1, `one JSON line with an error on stderr:\n${run.stderr}`);
  return JSON.parse(lines[0]).error;
}

/// The error of `run` says which authorisation to look for, for people and as members.
export function assertCanBeFoundOut(run, payment) {
  const { detail, payment: members } = errorOf(run);
  const { from, nonce, validBefore } = decodeHeader(payment).payload.authorization;
  assert.ok(detail.includes(`the token ${USDC} on ${NETWORK} for authorizationState(${from}, ${nonce})`), detail);
  assert.ok(detail.includes(`can be used until unix time ${validBefore}`), detail);
  assert.match(detail, /running this again would sign a new payment/);
  const { network, asset, payer, nonce: named, validBefore: until } = members;
  assert.deepEqual([network, asset, payer, named, until], [NETWORK, USDC, from, nonce, validBefore]);
}

export function assertExit(run, code) {
  assert.equal(run.code, code, `exit code ${run.code ?? run.signal}\n${run.stdout}\n${run.stderr}`);
}
