// SPDX-License-Identifier: Apache-2.0
// A proxy before a chain's node that spoils its answers.

import http from "node:http";

/// `spoil(calls, answers)` gets the JSON-RPC calls of a request and their true answers, and says what goes out instead:
/// `{status, headers, body}`, `"silence"`, `"cut"`, or nothing for the truth (`answers` may have been changed in place).
/// Returns `{url, asked, spoil, close()}`: `asked` counts the calls by method, and `spoil` may be replaced.
export async function startBadNode(targetUrl, spoil = () => undefined) {
  const node = { asked: {}, spoil };
  const server = http.createServer(async (request, response) => {
    try {
      let text = "";
      for await (const piece of request) text += piece;
      const sent = JSON.parse(text);
      const calls = [sent].flat();
      for (const { method } of calls) node.asked[method] = (node.asked[method] ?? 0) + 1;
      const headers = { "Content-Type": "application/json" };
      const truth = await (await fetch(targetUrl, { method: "POST", headers, body: text })).json();
      const said = node.spoil(calls, [truth].flat());
      if (said === "silence") return;
      if (said === "cut") {
        request.socket.resetAndDestroy();
        return;
      }
      response.writeHead(said?.status ?? 200, { ...headers, ...said?.headers });
      response.end(said?.body ?? JSON.stringify(truth));
    } catch {
      request.socket.resetAndDestroy();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  node.url = `http://127.0.0.1:${server.address().port}`;
  node.close = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  return node;
}
