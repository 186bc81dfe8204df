// SPDX-License-Identifier: Apache-2.0
// `farthing mcp` as a host runs it, with the reference SDK's client; and MCP servers that sell their tools, made with
// the reference packages as protocol.md section 14.1 says.

import assert from "node:assert/strict";
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import http from "node:http";
import { NETWORK } from "../../interop/lib/chain.mjs";
import { farthingBinary } from "../../interop/lib/farthing.mjs";
import { listen } from "../../interop/lib/http.mjs";
import {
  CallToolRequestSchema,
  Client,
  ExactEvmScheme,
  HTTPFacilitatorClient,
  ListToolsRequestSchema,
  Server,
  StdioClientTransport,
  StreamableHTTPClientTransport,
  StreamableHTTPServerTransport,
  x402ResourceServer,
} from "../../interop/lib/mcp_packages.mjs";
import { PRICE } from "../../interop/lib/origin.mjs";
import { runToEnd, startProcess } from "../../interop/lib/processes.mjs";
import { readAll } from "./origin.mjs";

const PASSWORD = "only a test";

/// What a tool's result says, as text and as its structured content.
function read(result) {
  const [{ text }] = result.content;
  return { text, said: result.structuredContent, isError: result.isError === true };
}

/// A connected SDK client as a test wants it: `call(tool, arguments)` and the client itself. Schemas are known, so each
/// structured result is checked against its tool's.
async function wrap(client, transport) {
  await client.connect(transport);
  const { tools } = await client.listTools();
  return {
    client,
    transport,
    tools,
    call: async (name, args = {}, options = {}) =>
      read(await client.callTool({ name, arguments: args }, undefined, options)),
    close: () => client.close(),
  };
}

const newClient = () => new Client({ name: "test-host", version: "1.0.0" });

/// `farthing mcp` started by the SDK, over stdio. `stderr()` is what it said besides.
export async function connectStdio(t, wallet, args = [], password = PASSWORD) {
  const transport = new StdioClientTransport({
    command: farthingBinary(),
    args: ["mcp", "--wallet", wallet.folder, ...args],
    env: { FARTHING_PASSWORD: password, PATH: process.env.PATH },
    stderr: "pipe",
  });
  let said = "";
  transport.stderr.on("data", (chunk) => (said += chunk));
  const host = await wrap(newClient(), transport);
  t.after(() => host.close());
  return { ...host, stderr: () => said };
}

/// A token for an agent of this wallet, as its file has it.
export async function makeToken(wallet, name) {
  const token = `farthing-agent-${name}-${randomBytes(32).toString("hex")}`;
  const hash = `0x${createHash("sha256").update(token).digest("hex")}`;
  await mkdir(`${wallet.folder}/tokens`, { recursive: true });
  await writeFile(`${wallet.folder}/tokens/${name}.json`, JSON.stringify({ version: 1, hash, made: 1 }));
  return token;
}

/// `farthing mcp --listen`. Returns `{url, stop()}`.
export async function serveHttp(t, wallet, args = []) {
  const server = await startProcess({
    name: "farthing mcp",
    command: farthingBinary(),
    args: ["mcp", "--wallet", wallet.folder, "--listen", "127.0.0.1:0", ...args],
    env: { FARTHING_PASSWORD: PASSWORD },
    ready: (line) => {
      const event = line.startsWith("{") ? JSON.parse(line) : {};
      return event.event === "listening" && event.role === "mcp" ? event.url : undefined;
    },
  });
  const stop = async () => assert.deepEqual(await server.stop(), { code: 0, signal: null }, server.output());
  t.after(stop);
  return { url: server.ready, output: server.output };
}

export async function connectHttp(t, url, token) {
  const headers = { Authorization: `Bearer ${token}` };
  const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
  const host = await wrap(newClient(), transport);
  t.after(() => host.close());
  return host;
}

/// One call by the official inspector's command line, which starts the server or connects to its URL.
export async function inspect(target, args, env = {}) {
  const build = new URL("../../interop/node_modules/@modelcontextprotocol/inspector-cli/build/", import.meta.url).pathname;
  // It looks for its own package.json from where it runs.
  const run = await runToEnd({
    name: "inspector",
    command: process.execPath,
    args: [`${build}index.js`, ...target, ...args],
    cwd: build,
    env: { FARTHING_PASSWORD: PASSWORD, ...env },
  });
  assert.equal(run.code, 0, run.stdout + run.stderr);
  return JSON.parse(run.stdout);
}

/// One tool that is sold by the reference packages. `handle(args)` gives its result.
async function sell({ resources, payTo, name, handle }) {
  const options = [{ scheme: "exact", network: NETWORK, payTo, price: PRICE }];
  const requirements = await resources.buildPaymentRequirementsFromOptions(options, {});
  const info = { url: `mcp://tool/${name}`, description: `Tool: ${name}`, mimeType: "application/json" };
  const ask = async (error) => {
    const required = await resources.createPaymentRequiredResponse(requirements, info, error);
    return { isError: true, structuredContent: required, content: [{ type: "text", text: JSON.stringify(required) }] };
  };
  return async (args, meta) => {
    const payment = meta?.["x402/payment"];
    if (!payment) return ask("Payment required to access this tool");
    const matched = resources.findMatchingRequirements(requirements, payment);
    if (!matched) return ask("no matching requirements");
    const verified = await resources.verifyPayment(payment, matched);
    if (!verified.isValid) return ask(verified.invalidReason);
    const result = await handle(args);
    if (result.isError) return result;
    const settled = await resources.settlePayment(payment, matched);
    if (!settled.success) return ask(settled.errorReason);
    return { ...result, _meta: { "x402/payment-response": settled } };
  };
}

/// An MCP server whose tools are `tools`: name → `(args, _meta) => result`. With `json` it answers in JSON, else in
/// events; without `sessions` it keeps none. `before(request, response, body)` may answer itself. `calls` is what
/// tools/call was asked.
export async function startMcpServer({ tools, describe = {}, json = false, sessions = true, before }) {
  const calls = [];
  const open = new Map();
  const connect = async () => {
    const server = new Server({ name: "seller", version: "1.0.0" }, { capabilities: { tools: {} } });
    server.setRequestHandler(ListToolsRequestSchema, () => ({
      tools: Object.keys(tools).map((name) => ({
        name,
        description: `does ${name}`,
        inputSchema: { type: "object", properties: {} },
        ...describe[name],
      })),
    }));
    server.setRequestHandler(CallToolRequestSchema, ({ params }) => {
      calls.push(params);
      return tools[params.name](params.arguments, params._meta);
    });
    const transport = new StreamableHTTPServerTransport({
      enableJsonResponse: json,
      sessionIdGenerator: sessions ? randomUUID : undefined,
      onsessioninitialized: (id) => void open.set(id, transport),
      onsessionclosed: (id) => void open.delete(id),
    });
    await server.connect(transport);
    return transport;
  };
  const serve = async (request, response) => {
    response.on("error", () => {});
    const text = (await readAll(request)).toString();
    const body = text === "" ? undefined : JSON.parse(text);
    if (await before?.(request, response, body)) return;
    const known = open.get(request.headers["mcp-session-id"]);
    await (known ?? (await connect())).handleRequest(request, response, body);
  };
  const { url, close } = await listen(http.createServer((request, response) => void serve(request, response)));
  return { url: `${url}/mcp`, host: new URL(url).host, calls, sessions: open, close };
}

/// The same with one tool, `search`, that the reference packages sell for the usual price.
export async function startPaidTools({ facilitatorUrl, payTo, handle, ...how }) {
  const resources = new x402ResourceServer(new HTTPFacilitatorClient({ url: facilitatorUrl }));
  resources.register(NETWORK, new ExactEvmScheme());
  await resources.initialize();
  const search = await sell({ resources, payTo, name: "search", handle });
  const free = () => ({ content: [{ type: "text", text: "free of charge" }] });
  return startMcpServer({ tools: { search, free }, ...how });
}
