import { residentMemory, withStack, withBusy } from "./harness.mjs";
import { PATH, PRICE_ATOMIC } from "./peers/offer.mjs";
import * as stacks from "./stacks.mjs";
const MIN = Number(process.env.MIN ?? 3), SECS=Number(process.env.SECS ?? 30), POOL=Number(process.env.POOL ?? 30000);
await withStack(async (stack) => {
  const chain = stack.add(await stacks.startChain());
  const origin = stack.add(await stacks.startOrigin());
  const gateway = stack.add(await stacks.startGateway({ chain, origin: origin.url, ...(process.env.STORE ? {store: process.env.STORE} : {}) }));
  console.log("gateway", gateway.pid ?? Object.keys(gateway));
  for (let m = 1; m <= MIN; m++) {
    const lines = await stacks.signedPayments({ offer: await stacks.offerOf(gateway), count: POOL, form: "header" });
    const r = await withBusy([gateway, chain], () => stacks.sendOnce({ url: gateway.url + PATH, lines, sendAs: "header", seconds: SECS, connections: 64 }));
    const text = await (await fetch(gateway.adminUrl ? gateway.adminUrl + "/metrics" : gateway.url + "/metrics")).text().catch(() => "");
    console.log(m, JSON.stringify({rss: residentMemory(gateway), chain: residentMemory(chain), ok: r.ok, sent: r.sent, rate: r.ok/r.seconds, busy: r.busy, p99: r.p99}));
    console.log(text.split("\n").filter(l => process.env.GREP && new RegExp(process.env.GREP).test(l) && !l.startsWith("#")).join("\n"));
  }
});
