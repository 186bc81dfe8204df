// SPDX-License-Identifier: Apache-2.0
// Listening on a free loopback port, and closing without waiting for idle keep-alive connections.

/// Makes a node http.Server listen. Returns `{url, close()}`.
export async function listen(server) {
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}
