// SPDX-License-Identifier: Apache-2.0
// The paid resource itself: the same handlers behind Express, Hono, and our gateway, counting how often each ran.

import http from "node:http";
import { listen } from "./http.mjs";

/// Appears in every body that only a payer may see.
export const PAID_MARKER = "only for those who paid";

/// The price of every route, and the same in atomic units.
export const PRICE = "$0.001";
export const PRICE_ATOMIC = 1000n;

export const ROUTES = {
  "/weather": { description: "Weather", mimeType: "application/json" },
  "/broken": { description: "A handler that fails", mimeType: "application/json" },
  "/slow-to-answer": { description: "Something happens while it runs", mimeType: "application/json" },
};

/// `meanwhile(fn)` sets what happens on the chain while /slow-to-answer runs.
export function makeHandlers() {
  const runs = {};
  let meanwhile = async () => {};
  const count = (path) => (runs[path] = (runs[path] ?? 0) + 1);
  const paid = (extra) => JSON.stringify({ note: PAID_MARKER, ...extra });
  return {
    runs: (path) => runs[path] ?? 0,
    meanwhile: (fn) => (meanwhile = fn),
    async handle(path) {
      count(path);
      if (path === "/weather") return { status: 200, body: paid({ weather: "sunny" }) };
      if (path === "/broken") return { status: 500, body: JSON.stringify({ error: "the origin broke" }) };
      if (path === "/slow-to-answer") {
        await meanwhile();
        return { status: 200, body: paid({ done: true }) };
      }
      return { status: 404, body: JSON.stringify({ error: "no such path" }) };
    },
  };
}

/// A plain HTTP origin that knows nothing of payments, for the gateway to stand in front of.
export async function startOrigin(handlers) {
  const server = http.createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://origin");
    try {
      const { status, body } = await handlers.handle(pathname);
      response.writeHead(status, { "content-type": "application/json" });
      response.end(body);
    } catch (error) {
      response.writeHead(500, { "content-type": "text/plain" });
      response.end(String(error));
    }
  });
  return listen(server);
}
