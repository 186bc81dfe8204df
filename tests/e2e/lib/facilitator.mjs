// SPDX-License-Identifier: Apache-2.0
// A facilitator under test: asked without a gateway, with payments made by hand.

import { craftPayload, requirements } from "../../interop/lib/craft.mjs";
import { networkTable, startRole } from "../../interop/lib/farthing.mjs";
import { until } from "./wait.mjs";

/// `top` and `network` are lines of TOML for their part of the file.
export function startFacilitator(devnet, { top = "", network = "", rpc = devnet.rpc, account = devnet.accounts[0] } = {}) {
  const config = `listen = "127.0.0.1:0"\n${top}\n${networkTable("network", rpc)}poll_interval = "20ms"\n${network}\n`;
  return startRole("facilitator", config, { FARTHING_FACILITATOR_KEY: account.key });
}

/// A signed payment of `amount` of `token`. `from` is the payer when it is not the signer: a contract wallet.
export async function signPayment({ key, payTo, amount, token, from, authorization = {} }) {
  const accepted = { ...requirements(payTo), amount: String(amount), ...(token && { asset: token }) };
  const payload = await craftPayload({
    key,
    payTo,
    accepted,
    authorization: { value: String(amount), ...(from && { from }), ...authorization },
    domain: token && { verifyingContract: token },
  });
  return { payload, accepted };
}

/// The body of the answer, with its HTTP `status`.
export async function ask(facilitator, endpoint, { payload, accepted }, signal) {
  const body = JSON.stringify({ x402Version: 2, paymentPayload: payload, paymentRequirements: accepted });
  const answer = await fetch(`${facilitator.url}/${endpoint}`, { method: "POST", body, signal });
  return { status: answer.status, ...(await answer.json()) };
}
export const verify = (facilitator, payment) => ask(facilitator, "verify", payment);
export const settle = (facilitator, payment, signal) => ask(facilitator, "settle", payment, signal);

/// Asks until the outcome is known.
export function settled(facilitator, payment, deadlineMs) {
  return until(
    "the settlement is known",
    async () => {
      const answer = await settle(facilitator, payment);
      return answer.errorReason !== "settlement_pending" && answer;
    },
    deadlineMs,
  );
}

/// The value of a metric, summed over its labels that match `labels`.
export async function metric(role, name, labels = "") {
  const text = await (await fetch(`${role.url}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line.match(`^${name}(\\{|$| )`) && line.includes(labels));
  if (lines.length === 0) throw new Error(`no metric ${name} ${labels}`);
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}
