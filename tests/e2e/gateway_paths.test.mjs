// SPDX-License-Identifier: Apache-2.0
// No spelling of a paid path is free: a real Express application behind the gateway, asked in every way a browser never
// would. What Express itself serves is measured in the same test, so that the table keeps its teeth.

import assert from "node:assert/strict";
import http from "node:http";
import { after, before, describe, test } from "node:test";
import { listen } from "../interop/lib/http.mjs";
import { PAID_MARKER } from "../interop/lib/origin.mjs";
import { express } from "../interop/lib/packages.mjs";
import { startScriptedFacilitator } from "../interop/lib/scripted_facilitator.mjs";
import { route, startGateway } from "./lib/gateway.mjs";
import { makeFolder } from "./lib/files.mjs";
import { send, talk } from "./lib/raw.mjs";
import { PAY_TO } from "./lib/seller.mjs";

let folder;
let origin;
let facilitator;
let gateway;
before(async () => {
  folder = await makeFolder();
  await folder.write("report.txt", PAID_MARKER);
  const app = express();
  const paid = (_request, response) => response.send(PAID_MARKER);
  app.get("/paid", paid);
  app.get("/café", paid);
  app.get("/user/:id", paid);
  app.post("/order", paid);
  const nested = express.Router();
  nested.get("/secret", paid);
  app.use("/api", nested);
  app.use("/files", express.static(folder.folder));
  app.get("/", (_request, response) => response.send("welcome"));
  origin = await listen(http.createServer(app));
  facilitator = await startScriptedFacilitator();
  const paths = ["GET /paid", "GET /café", "/user/:id", "POST /order", "/api/*", "/files/*"];
  gateway = await startGateway({
    originUrl: origin.url,
    facilitator: { url: facilitator.url },
    routes: paths.map((each) => route(each, PAY_TO)),
  });
});
after(async () => {
  await gateway?.stop();
  await facilitator?.close();
  await origin?.close();
  await folder?.remove();
});

const SPELLINGS = [
  ...["/paid", "/paid/", "//paid", "/PAID", "/Paid", "/pa%69d", "/%70aid", "/%50AID", "/paid?", "/paid?x=/free"],
  ...["/./paid", "/x/../paid", "/x/%2e%2e/paid", "/x/%2E%2e/paid", "/%2e/paid", "/.%2e/paid", "/x/.%2e/paid", "/paid/.", "/paid/x/.."],
  ...["///paid", "/paid//", "//x/paid", "//paid//", "/x//../paid", "/paid/./", "/../paid", "/%2e%2e/paid"],
  ...["/paid%2F", "/paid%2f", "/%2Fpaid", "/%2fpaid", "/x%2F..%2Fpaid", "/paid%5C", "/\\paid", "/%5Cpaid", "/paid\\"],
  ...["/paid;a=1", "/paid;", "/;/paid", "/paid%3Ba", "/;a=1/paid", "/x;/../paid"],
  ...["/paid%00", "/paid%0a", "/paid%0d%0a", "/%00/paid", "/paid%20", "/paid%09", "/paid.", "/paid%2e", "/paid..", "/paid+"],
  ...["/%2570aid", "/pa%2569d", "/%252e/paid", "/%25%37%30aid", "/pa%u0069d", "/pa%c1%a9d", "/pa%e0%81%a9d", "/%ef%bd%90aid"],
  ...["/paid%", "/paid%2", "/paid%zz", "/%paid", "/paid#x", "/pa\tid", "/paıd", "/pa%C4%B1d"],
  ...["/paid%3F", "/paid%3fx", "/paid%3Fx/y", "/paid%23", "/paid%23x", "/paid%253F", "/paid::$DATA", "/paid%3a:$data"],
  ...["/café", "/caf%C3%A9", "/caf%c3%a9", "/cafe%CC%81", "/CAF%C3%89", "/caf%C3%A9/", "/caf%E9"],
  ...["/api/secret", "/API/Secret", "/api//secret", "//api/secret", "/api/./secret", "/api/x/../secret", "/api%2Fsecret", "/x/../api/secret", "/api;/secret"],
  ...["/files/report.txt", "/files//report.txt", "/files/./report.txt", "/files/x/../report.txt", "/files/%72eport.txt", "/FILES/report.txt"],
  ...["/files%2Freport.txt", "/files/..%2ffiles/report.txt", "/x/..%2ffiles/report.txt", "/files/report%2etxt", "/files\\report.txt", "/files/%2e%2e/files/report.txt"],
  ...["/user/1", "/user/1/", "/user//1", "/user/%31", "/USER/1", "/user/a%2Fb", "/user/;x", "/user/1;y", "/user/.%2e%2fx", "/user/%20"],
];
const METHODS = ["GET", "HEAD"];

/// A request line as it stands, on a bare socket: no client tidies the path up.
async function ask(url, method, target) {
  const bytes = Buffer.from(`${method} ${target} HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: close\r\n\r\n`);
  const { text } = await talk(url, bytes);
  return { status: Number(text.match(/^HTTP\/1\.1 (\d{3})/)?.[1]), text };
}

/// Whether this answer is the goods; a HEAD shows it by its length.
const isTheGoods = ({ status, text }, method) =>
  text.includes(PAID_MARKER) ||
  (method === "HEAD" && status === 200 && text.toLowerCase().includes(`content-length: ${PAID_MARKER.length}\r\n`));

describe("spellings of paid paths", () => {
  test("Express itself serves many of them: the table has teeth", async () => {
    let served = 0;
    for (const target of SPELLINGS) served += isTheGoods(await ask(origin.url, "GET", target), "GET");
    assert.ok(served >= 25, `only ${served} of ${SPELLINGS.length}`);
  });

  for (const method of METHODS) {
    test(`none gets the goods by ${method}`, async () => {
      const leaks = [];
      const odd = [];
      for (const target of SPELLINGS) {
        const said = await ask(gateway.url, method, target);
        if (isTheGoods(said, method)) leaks.push(target);
        if (![400, 402, 404, 200].includes(said.status)) odd.push(`${target}: ${said.status}`);
      }
      assert.deepEqual(leaks, [], "served for free");
      assert.deepEqual(odd, []);
    });
  }

  test("by absolute-form, in every spelling, neither", async () => {
    const leaks = [];
    for (const target of SPELLINGS.filter((each) => each.startsWith("/"))) {
      for (const authority of [new URL(gateway.url).host, "evil.example", `user@${new URL(gateway.url).host}`]) {
        const said = await ask(gateway.url, "GET", `http://${authority}${target}`);
        if (isTheGoods(said, "GET")) leaks.push(`http://${authority}${target}`);
      }
    }
    assert.deepEqual(leaks, []);
  });

  test("the plain ones are asked for payment, the free page is free", async () => {
    for (const target of ["/paid", "/PAID/", "//paid", "/pa%69d", "/x/../paid", "/caf%C3%A9", "/api/secret", "/files/report.txt", "/user/1"]) {
      assert.equal((await ask(gateway.url, "GET", target)).status, 402, target);
    }
    assert.equal((await send(gateway.url)).text, "welcome");
  });
});

describe("other ways to name a paid page", () => {
  const tricks = [
    { name: "a method override", how: { method: "POST", target: "/paid", headers: { "X-HTTP-Method-Override": "GET" } } },
    { name: "another URL in a header", how: { target: "/", headers: { "X-Original-URL": "/paid", "X-Rewrite-URL": "/paid" } } },
    { name: "a prefix in a header", how: { target: "/secret", headers: { "X-Forwarded-Prefix": "/api" } } },
    { name: "a method in lower case", how: { method: "get", target: "/paid" } },
    { name: "a method in a query", how: { method: "GET", target: "/?_method=POST&path=/order" } },
    { name: "a Host that says more", how: { target: "/", headers: { Host: "x/paid?" } } },
  ];
  for (const { name, how } of tricks) {
    test(`${name} gets no goods`, async () => {
      const said = await send(gateway.url, how).catch(() => ({ status: 0, text: "" }));
      assert.ok(!said.text.includes(PAID_MARKER), said.text);
    });
  }

  test("an origin that believes SCRIPT_NAME and PATH_INFO, as WSGI servers do behind a proxy, is told neither", async (t) => {
    const wsgi = await listen(
      http.createServer(({ url, headers }, response) => {
        const prefix = headers.script_name ?? "";
        const path = headers.path_info ?? (url.startsWith(prefix) ? url.slice(prefix.length) : url);
        response.end(path === "/paid" ? PAID_MARKER : "nothing here");
      }),
    );
    t.after(wsgi.close);
    const settings = { originUrl: wsgi.url, facilitator: { url: facilitator.url }, routes: [route("GET /paid", PAY_TO)] };
    const shop = await startGateway(settings);
    t.after(shop.stop);
    for (const headers of [{ SCRIPT_NAME: "/x" }, { script_name: "/x" }, { PATH_INFO: "/paid" }]) {
      assert.equal((await send(wsgi.url, { target: "/x/paid", headers })).text, PAID_MARKER, "the origin falls for it");
      assert.equal((await send(shop.url, { target: "/x/paid", headers })).text, "nothing here");
    }
  });

  test("an origin that decodes before it splits a path from its query gets no free way to the goods", async (t) => {
    const hasty = await listen(
      http.createServer(({ url }, response) => {
        const path = decodeURIComponent(url).split(/[?#]/)[0];
        response.end(path === "/paid" ? PAID_MARKER : "nothing here");
      }),
    );
    t.after(hasty.close);
    const settings = { originUrl: hasty.url, facilitator: { url: facilitator.url }, routes: [route("GET /paid", PAY_TO)] };
    const shop = await startGateway(settings);
    t.after(shop.stop);
    for (const target of ["/paid%3F", "/paid%3fx", "/paid%23", "/paid%23x/y"]) {
      assert.equal((await send(hasty.url, { target })).text, PAID_MARKER, "the origin falls for it");
      assert.equal((await send(shop.url, { target })).status, 402, target);
    }
  });

  test("POST and GET of one path are two routes, and only the priced one costs", async () => {
    assert.equal((await send(`${gateway.url}/order`, { method: "POST" })).status, 402);
    assert.equal((await send(`${gateway.url}/order`)).status, 404);
    assert.equal((await send(`${gateway.url}/paid`, { method: "POST" })).status, 404);
  });
});
