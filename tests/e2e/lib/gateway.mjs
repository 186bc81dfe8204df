// SPDX-License-Identifier: Apache-2.0
// A gateway with the settings a test needs, in front of any origin.

import { networkTable, startRole, toml } from "../../interop/lib/farthing.mjs";
import { NETWORK } from "../../interop/lib/chain.mjs";
import { PRICE } from "../../interop/lib/origin.mjs";

export const route = (match, payTo, { price = PRICE, more = "" } = {}) => `[[route]]
match = ${toml(match)}
${more}
[[route.accepts]]
price = ${toml(price)}
network = ${toml(NETWORK)}
pay_to = ${toml(payTo)}
`;

/// The text of a gateway's file. `facilitator` is `{url}` or `{rpc, account}`; the other members are lines of TOML for
/// their part of the file, `routes` a list of route tables. A node that does not answer is given up after `rpcTimeout`.
export function gatewayToml({ originUrl, facilitator, routes, top = "", limits = "", cors = "", settle = "", rpcTimeout = "3s" }) {
  const network = facilitator.url
    ? ""
    : `${networkTable("facilitator.network", facilitator.rpc)}rpc_timeout = ${toml(rpcTimeout)}
poll_interval = "20ms"
`;
  return `listen = "127.0.0.1:0"
origin = ${toml(originUrl)}
${top}
[limits]
${limits}
[cors]
${cors}
[facilitator]
${facilitator.url ? `url = ${toml(facilitator.url)}` : ""}
${settle}
${network}
${routes.join("\n")}`;
}

export function startGateway(settings) {
  const { account } = settings.facilitator;
  return startRole("gateway", gatewayToml(settings), account ? { FARTHING_FACILITATOR_KEY: account.key } : {});
}
