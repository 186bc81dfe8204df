// SPDX-License-Identifier: Apache-2.0
// An HTTP API that knows nothing of payments. Listens on 127.0.0.1; the port is the first argument, 0 for any free one.
import { createServer } from "node:http";

const server = createServer((request, response) => {
    const path = new URL(request.url, "http://origin").pathname;
    const send = (status, body) => {
        response.writeHead(status, { "content-type": "application/json" });
        response.end(JSON.stringify(body) + "\n");
    };
    if (path === "/") return send(200, { hello: "this page is free", try: "/weather" });
    if (path === "/weather") return send(200, { city: "Lisbon", celsius: 21, sky: "clear" });
    if (path === "/broken") return send(500, { error: "the origin failed" });
    return send(404, { error: "no such page" });
});
server.listen(Number(process.argv[2] ?? 3000), "127.0.0.1", () => {
    const { port } = server.address();
    console.log(JSON.stringify({ event: "listening", role: "origin", url: `http://127.0.0.1:${port}` }));
});
process.on("SIGTERM", () => server.close(() => process.exit(0)));
