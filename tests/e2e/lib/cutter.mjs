// SPDX-License-Identifier: Apache-2.0
// A line between a client and a server that somebody cuts.

import net from "node:net";

/// Passes bytes both ways. `asking(text, id)` sees all that a client has said on connection `id`, before it is passed on,
/// and `answering(text, id)` all that the server has; when one returns true the line is cut there.
/// Returns `{url, cut(), close()}`; `cut()` breaks every connection there is.
export async function startCutter(targetUrl, asking = () => false, answering = () => false) {
  const { hostname, port } = new URL(targetUrl);
  const sockets = new Set();
  let ids = 0;
  const keep = (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  };
  const pass = (from, to, isCut) => {
    let text = "";
    from.on("data", (piece) => {
      text += piece.toString("latin1");
      if (isCut(text)) {
        from.resetAndDestroy();
        to.resetAndDestroy();
      } else {
        to.write(piece);
      }
    });
  };
  const server = net.createServer((client) => {
    const id = ++ids;
    const target = net.connect(Number(port), hostname);
    keep(client);
    keep(target);
    pass(client, target, (text) => asking(text, id));
    pass(target, client, (text) => answering(text, id));
    target.on("close", () => client.end());
    client.on("close", () => target.destroy());
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        cut();
      }),
  };
}
