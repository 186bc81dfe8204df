// SPDX-License-Identifier: Apache-2.0
// `farthing wallet serve` over a wallet of a test's own, and programs that ask it.

import assert from "node:assert/strict";
import http from "node:http";
import { farthingBinary } from "../../interop/lib/farthing.mjs";
import { startProcess } from "../../interop/lib/processes.mjs";
import { PASSWORD, said } from "./wallet.mjs";

const listening = (line) => {
  if (!line.startsWith("{")) return undefined;
  const event = JSON.parse(line);
  return event.event === "listening" && event.role === "wallet_loopback" ? event.url : undefined;
};

/// Returns `{url, host, socket, stop(), signal(), ended, …}`; `stop()` must end it with exit code 0.
export async function startDaemon(wallet, args = []) {
  const child = await startProcess({
    name: "farthing wallet serve",
    command: farthingBinary(),
    args: ["wallet", "serve", "--wallet", wallet.folder, "--listen", "127.0.0.1:0", ...args],
    env: { FARTHING_PASSWORD: PASSWORD },
    ready: listening,
  });
  return {
    ...child,
    url: child.ready,
    host: new URL(child.ready).host,
    socket: `${wallet.folder}/wallet.sock`,
    async stop() {
      const { code, signal } = await child.stop();
      assert.equal(code, 0, `the daemon ended with ${code ?? signal}\n${child.output()}`);
    },
  };
}

/// The token of a new agent.
export async function newToken(wallet, name) {
  return said(await wallet.run(["wallet", "token", "new", name])).token;
}

export const bearer = (token) => ({ authorization: `Bearer ${token}` });

/// `{status, headers, body}`, with the body parsed where it is JSON. `socketPath` instead of the URL's host: a Unix socket.
export function ask(url, { method = "GET", headers = {}, body, socketPath, path } = {}) {
  const target = new URL(url);
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        method,
        headers,
        ...(socketPath ? { socketPath } : { host: target.hostname, port: target.port }),
        path: path ?? target.pathname + target.search,
        agent: false,
      },
      (response) => {
        const pieces = [];
        response.on("data", (piece) => pieces.push(piece));
        response.on("error", reject);
        response.on("end", () => {
          const text = Buffer.concat(pieces).toString();
          const isJson = (response.headers["content-type"] ?? "").startsWith("application/json");
          resolve({ status: response.statusCode, headers: response.headers, body: isJson ? JSON.parse(text) : text });
        });
      },
    );
    request.on("error", reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/// POST /v1/fetch.
export const fetchBy = (daemon, token, call, how = {}) =>
  ask(`${daemon.url}/v1/fetch`, { method: "POST", headers: bearer(token), body: call, ...how });
