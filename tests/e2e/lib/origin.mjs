// SPDX-License-Identifier: Apache-2.0
// An origin that does what a test says, and remembers what it was asked.

import http from "node:http";
import { listen } from "../../interop/lib/http.mjs";

/// `handlers` maps a path to `(request, response, seen)`; `seen` is the record of this request. A path without a
/// handler is answered 404. Returns `{url, close(), seen(path), runs(path), connections()}`.
export async function startScriptedOrigin(handlers) {
  const all = [];
  let connections = 0;
  const server = http.createServer(async (request, response) => {
    const { method, url, headers, rawHeaders } = request;
    const path = url.split("?")[0];
    const record = { method, url, path, headers, rawHeaders, body: undefined };
    all.push(record);
    response.on("error", () => {});
    request.on("error", () => {});
    const handle = handlers[path];
    if (handle === undefined) {
      response.writeHead(404, { "content-type": "text/plain" });
      return response.end("no such page\n");
    }
    if (!handle.streams) record.body = await readAll(request).catch(() => undefined);
    return handle(request, response, record);
  });
  server.on("connection", () => (connections += 1));
  const { url, close } = await listen(server);
  return {
    url,
    close,
    handlers,
    seen: (path) => (path === undefined ? all : all.filter((each) => each.path === path)),
    runs: (path) => all.filter((each) => each.path === path).length,
    connections: () => connections,
  };
}

export async function readAll(stream) {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

/// A handler that answers at once.
export const answer =
  (body, { status = 200, headers = {} } = {}) =>
  (_request, response) => {
    response.writeHead(status, { "content-type": "text/plain", ...headers });
    response.end(body);
  };

/// A handler that is given the request's body as it arrives.
export const streaming = (handler) => Object.assign(handler, { streams: true });
