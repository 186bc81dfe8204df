// SPDX-License-Identifier: Apache-2.0
// One stack of the matrix: a chain, a facilitator, a server, each by the name it has in the file names.

import { chainView } from "./chain.mjs";
import { startDevnet } from "./devnet.mjs";
import { startFarthingFacilitator, startFarthingGateway } from "./farthing.mjs";
import { makeHandlers, startOrigin } from "./origin.mjs";
import { startFacilitatorV1, startFacilitatorV2 } from "./reference_facilitator.mjs";
import { startExpressV1, startExpressV2, startHonoV2 } from "./reference_servers.mjs";

/// Which development account does what; every stack has its own gas key, every payment its own payer.
const GAS_ACCOUNTS = 8;
const TREASURY_ACCOUNT = 9;

export const FACILITATORS = {
  ref: { title: "the reference facilitator", start: startFacilitatorV2 },
  ref_v1: { title: "the reference v1 facilitator", start: startFacilitatorV1 },
  ours_remote: { title: "farthing facilitator", start: startFarthingFacilitator },
  ours_embedded: {
    title: "the facilitator embedded in the gateway",
    start: async ({ rpc, account }) => ({ embedded: { rpc, account }, settler: account.address, stop() {} }),
  },
};

export const SERVERS = {
  ref_express: { title: "reference Express", start: startExpressV2 },
  ref_hono: { title: "reference Hono", start: startHonoV2 },
  ref_v1_express: { title: "reference v1 Express", start: startExpressV1 },
  ours: { title: "farthing gateway", start: startGatewayBeforeOrigin },
};

async function startGatewayBeforeOrigin({ facilitatorUrl, embedded, payTo, handlers }) {
  const origin = await startOrigin(handlers);
  try {
    const facilitator = embedded ?? { url: facilitatorUrl };
    const gateway = await startFarthingGateway({ originUrl: origin.url, payTo, facilitator });
    const close = () => gateway.stop().finally(origin.close);
    return { url: gateway.url, output: gateway.output, close };
  } catch (error) {
    await origin.close();
    throw error;
  }
}

/// A chain that stacks can be put on. `addStack` starts a facilitator and a server on it;
/// `stop` ends everything, last started first, and reports the first failure to end well.
export async function startWorld() {
  const devnet = await startDevnet();
  const chain = chainView(devnet.rpc, devnet.accounts[TREASURY_ACCOUNT].key);
  const stops = [devnet.stop];
  const outputs = [];
  let gasAccountsUsed = 0;

  const world = {
    chain,
    rpc: devnet.rpc,
    devnet,
    /// Runs `stop` when the world ends, before what was started earlier ends.
    defer: (stop) => stops.push(stop),
    nextGasAccount() {
      if (gasAccountsUsed === GAS_ACCOUNTS) throw new Error("a world has no more than 8 gas accounts");
      return devnet.accounts[gasAccountsUsed++];
    },
    async addFacilitator(name) {
      const facilitator = await FACILITATORS[name].start({ rpc: devnet.rpc, account: world.nextGasAccount() });
      stops.push(facilitator.stop);
      if (facilitator.output) outputs.push(facilitator.output);
      return facilitator;
    },
    /// `facilitator` is a name of FACILITATORS, or one that addFacilitator returned.
    async addStack({ server: serverName, facilitator: wanted, payTo = chain.freshAddress() }) {
      const facilitator = typeof wanted === "string" ? await world.addFacilitator(wanted) : wanted;
      const handlers = makeHandlers();
      const server = await SERVERS[serverName].start({
        facilitatorUrl: facilitator.url,
        embedded: facilitator.embedded,
        payTo,
        handlers,
      });
      stops.push(server.close);
      if (server.output) outputs.push(server.output);
      return { url: server.url, payTo, handlers, facilitator, settler: facilitator.settler };
    },
    /// What our processes printed, for a failing test.
    output: () => outputs.map((output) => output()).join("\n"),
    async stop() {
      const failures = [];
      for (const stop of stops.splice(0).reverse()) {
        await Promise.resolve()
          .then(stop)
          .catch((error) => failures.push(error));
      }
      if (failures.length > 0) throw failures[0];
    },
  };
  return world;
}

/// Runs `build(world)` on a new world and stops the world again when that fails.
export async function startWorldWith(build) {
  const world = await startWorld();
  try {
    return { world, built: await build(world) };
  } catch (error) {
    await world.stop();
    throw error;
  }
}
