// SPDX-License-Identifier: Apache-2.0
// A gateway with few file descriptors and more clients than it has room for: those who only sit there stop no sale.

import assert from "node:assert/strict";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import { farthingBinary } from "../interop/lib/farthing.mjs";
import { PAID_MARKER, PRICE_ATOMIC } from "../interop/lib/origin.mjs";
import { startProcess } from "../interop/lib/processes.mjs";
import { startWorldWith } from "../interop/lib/world.mjs";
import { makeFolder } from "./lib/files.mjs";
import { gatewayToml, route, startGateway } from "./lib/gateway.mjs";
import { answer, startScriptedOrigin } from "./lib/origin.mjs";
import { send } from "./lib/raw.mjs";
import { buy, signedPayment } from "./lib/till.mjs";
import { until } from "./lib/wait.mjs";

const DESCRIPTORS = 128; // hard and soft
const CROWD = 200;

let world;
let origin;
let payTo;
let folder;
let account;
before(async () => {
  folder = await makeFolder();
  const started = await startWorldWith(async (w) => {
    payTo = w.chain.freshAddress();
    origin = await startScriptedOrigin({ "/goods": answer(PAID_MARKER), "/free": answer("free") });
    w.defer(origin.close);
    account = w.nextGasAccount();
  });
  world = started.world;
});
after(async () => {
  await world?.stop();
  await folder?.remove();
});

/// The gateway under `ulimit`, as a service manager or a shell would start it. `flags` are those of ulimit.
async function startPoorGateway(flags, more = {}) {
  const settings = { originUrl: origin.url, facilitator: { rpc: world.rpc, account }, routes: [route("GET /goods", payTo)], ...more };
  const file = await folder.write("gateway.toml", gatewayToml(settings));
  const urls = {};
  const child = await startProcess({
    name: "farthing gateway",
    command: "sh",
    args: ["-c", `ulimit ${flags} ${DESCRIPTORS} && exec "$0" gateway --config "$1"`, farthingBinary(), file],
    env: { FARTHING_FACILITATOR_KEY: account.key },
    ready(line) {
      const { event, role, url } = JSON.parse(line);
      if (event === "listening") urls[role] = url;
      return urls.gateway;
    },
  });
  return { ...child, url: urls.gateway, admin: urls.gateway_admin };
}

/// Connections that never say a word. Returns `{open(), close()}`; `open` says how many are left.
async function crowdAt(url, size) {
  const { hostname, port } = new URL(url);
  const sockets = await Promise.all(
    Array.from({ length: size }, async () => {
      const socket = net.connect(Number(port), hostname);
      socket.on("error", () => {});
      socket.resume();
      await new Promise((resolve) => socket.once("connect", resolve));
      return socket;
    }),
  );
  return {
    open: () => sockets.filter((each) => !each.closed).length,
    close: () => sockets.forEach((each) => each.destroy()),
  };
}

async function assertSells(gateway) {
  const payment = await signedPayment(world.chain, payTo);
  const served = await buy(`${gateway.url}/goods`, payment);
  assert.equal(served.status, 200, served.text);
  assert.equal(served.text, PAID_MARKER);
  assert.equal(await payment.spent(), PRICE_ATOMIC);
}

describe("more idle connections than file descriptors", () => {
  test("the longest idle make room, a sale goes through, and so does a look at the metrics", async (t) => {
    const gateway = await startPoorGateway("-n", { top: 'admin_listen = "127.0.0.1:0"' });
    t.after(gateway.stop);
    assert.match(gateway.stderr(), /"event":"connections_max_lowered".*"wanted":4096/);
    const crowd = await crowdAt(gateway.url, CROWD);
    t.after(crowd.close);
    await until("some of the crowd have to go", () => crowd.open() < DESCRIPTORS);
    await assertSells(gateway);
    const watchers = await crowdAt(gateway.admin, CROWD);
    t.after(watchers.close);
    assert.equal((await send(`${gateway.admin}/metrics`)).status, 200);
    await assertSells(gateway);
    assert.doesNotMatch(gateway.stderr(), /too many open files/i);
  });

  test("where more is allowed, more is taken: the soft limit does not count", async (t) => {
    const gateway = await startPoorGateway("-S -n", { limits: "connections_max = 300" });
    t.after(gateway.stop);
    assert.doesNotMatch(gateway.stderr(), /connections_max_lowered/);
    const crowd = await crowdAt(gateway.url, CROWD);
    t.after(crowd.close);
    await assertSells(gateway);
    assert.equal(crowd.open(), CROWD, "nobody had to go");
  });
});

describe("as many connections as the file allows", () => {
  test("the next one takes the place of the one that idles longest", async (t) => {
    const gateway = await startGateway({
      originUrl: origin.url,
      facilitator: { rpc: world.rpc, account },
      routes: [route("GET /goods", payTo)],
      limits: "connections_max = 3",
    });
    t.after(gateway.stop);
    const crowd = await crowdAt(gateway.url, 3);
    t.after(crowd.close);
    await assertSells(gateway);
    await until("one had to go", () => crowd.open() === 2);
  });
});
