// SPDX-License-Identifier: Apache-2.0
// What every paid cell must show: the money moved exactly once, the handler ran once, and the receipt is true.

import assert from "node:assert/strict";
import { getAddress, parseEventLogs, parseAbi } from "viem";
import { USDC } from "./chain.mjs";
import { PAID_MARKER, PRICE_ATOMIC } from "./origin.mjs";

const TRANSFER = parseAbi(["event Transfer(address indexed from, address indexed to, uint256 value)"]);

/// Balances of payer and payee and the handler's count at one moment.
export async function snapshot({ chain, payer, payTo, handlers, path }) {
  const [payerBalance, payToBalance] = await Promise.all([chain.balanceOf(payer), chain.balanceOf(payTo)]);
  return { payerBalance, payToBalance, runs: handlers.runs(path) };
}

/// How far two snapshots lie apart.
export function difference(before, after) {
  return {
    payerPaid: before.payerBalance - after.payerBalance,
    payToGot: after.payToBalance - before.payToBalance,
    handlerRuns: after.runs - before.runs,
  };
}

export function assertPaidOnce(moved) {
  assert.deepEqual(moved, { payerPaid: PRICE_ATOMIC, payToGot: PRICE_ATOMIC, handlerRuns: 1 });
}

export function assertServed(result) {
  assert.equal(result.status, 200, `status ${result.status}: ${result.body}`);
  assert.match(result.body, new RegExp(PAID_MARKER), "the body is the origin's");
}

/// The receipt names a transaction that succeeded, was sent by `settler`, and moved the price from payer to payTo.
export async function assertReceipt({ chain, receipt, receiptNetwork, payer, payTo, settler }) {
  assert.ok(receipt, "there is a receipt header");
  assert.equal(receipt.success, true, `receipt: ${JSON.stringify(receipt)}`);
  assert.equal(receipt.network, receiptNetwork);
  if (receipt.payer !== undefined) assert.equal(getAddress(receipt.payer), payer);
  assert.match(receipt.transaction, /^0x[0-9a-f]{64}$/);

  const onChain = await chain.receipt(receipt.transaction);
  assert.equal(onChain.status, "success");
  assert.equal(getAddress(onChain.from), getAddress(settler), "the expected facilitator settled");
  const transfers = parseEventLogs({ abi: TRANSFER, logs: onChain.logs })
    .filter((log) => getAddress(log.address) === USDC)
    .map(({ args }) => ({ from: args.from, to: args.to, value: args.value }));
  assert.deepEqual(transfers, [{ from: payer, to: payTo, value: PRICE_ATOMIC }]);
}

/// What `farthing pay --json` says besides, where our client was the one that paid.
export function assertSaidByOurClient(said, { payTo }) {
  const { amount, asset, payTo: saidPayTo } = said;
  assert.deepEqual({ amount, asset, payTo: saidPayTo }, { amount: String(PRICE_ATOMIC), asset: USDC, payTo });
}
