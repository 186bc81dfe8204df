// SPDX-License-Identifier: Apache-2.0
// Row 1: how fast a request without a payment gets its 402.

import { withBusy, withStack, startNginx } from "../harness.mjs";
import { PATH } from "../peers/offer.mjs";
import { profiled } from "../profile.mjs";
import * as stacks from "../stacks.mjs";

const WARM_UP_SECONDS = 1;
const ROUNDS = 5;
const ROUND_SECONDS = 1;

const load = (server, seconds) => stacks.wrk({ url: server.url + PATH, seconds });

async function round(server) {
  const result = await withBusy([server], () => load(server, ROUND_SECONDS));
  if (result.broken > 0 || result.refused !== result.requests) {
    throw new Error(`${server.name}: ${result.requests} requests, ${result.refused} times 402, ${result.broken} broken`);
  }
  return { ...result, perSecond: result.requests / result.seconds };
}

/// The servers in turn, several times over, so that what else the machine does meets all of them; the round with the
/// median rate counts.
async function measure(servers) {
  for (const server of servers) await load(server, WARM_UP_SECONDS);
  const rounds = servers.map(() => []);
  for (let i = 0; i < ROUNDS; ++i) {
    for (const [which, server] of servers.entries()) rounds[which].push(await round(server));
  }
  return rounds.map((each) => each.sort((a, b) => a.perSecond - b.perSecond)[Math.floor(ROUNDS / 2)]);
}

/// nginx answering what our gateway answered: the same status, body, and every header it does not write itself.
function nginxServer({ headers, body }) {
  const quoted = (text) => `'${text.replace(/[\\']/g, "\\$&").replaceAll("$", "${dollar}")}'`;
  const own = new Set(["content-length", "content-type", "connection", "keep-alive", "date", "server"]);
  const added = headers.filter(([name]) => !own.has(name));
  const lines = added.map(([name, value]) => `add_header ${name} ${quoted(value)} always;`);
  return `location = ${PATH} { ${lines.join(" ")} return 402 ${quoted(body)}; }`;
}

function sameAnswer(ours, nginx) {
  const [a, b] = [ours, nginx].map(({ headers }) => new Map(headers));
  for (const name of ["payment-required", "content-type", "content-length", "cache-control"]) {
    if (a.get(name) !== b.get(name)) throw new Error(`nginx answers ${name}: ${b.get(name)}, ours ${a.get(name)}`);
  }
}

export const unpaid = (chain) =>
  withStack(async (stack) => {
    const origin = stack.add(await stacks.startOrigin());
    const gateway = stack.add(await stacks.startGateway({ chain, origin: origin.url }));
    const offer = await stacks.offerOf(gateway);
    const nginx = stack.add(await startNginx("static", nginxServer(offer), { measured: true }));
    sameAnswer(offer, await stacks.offerOf(nginx));
    const facilitator = stack.add(await stacks.startReferenceFacilitator({ chain }));
    const peers = [];
    for (const kind of ["express", "hono"]) {
      const server = stack.add(await stacks.startReferenceServer(kind, { chain, facilitator }));
      await stacks.offerOf(server);
      peers.push(server);
    }
    const results = await measure([gateway, nginx, ...peers]);
    const profile = await profiled(gateway, (seconds) => load(gateway, seconds));
    return { ours: { ...results[0], profile }, nginx: results[1], express: results[2], hono: results[3] };
  });
