// SPDX-License-Identifier: Apache-2.0
// A wallet whose key is elsewhere: what it asks to have signed, and what it does with what it is answered.

import assert from "node:assert/strict";
import http from "node:http";
import { access, readFile, writeFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { NETWORK, USDC } from "../interop/lib/chain.mjs";
import { listen } from "../interop/lib/http.mjs";
import { generatePrivateKey, keccak256, privateKeyToAccount, sign } from "../interop/lib/packages.mjs";
import { makeFolder } from "./lib/files.mjs";
import { answer, readAll } from "./lib/origin.mjs";
import { assertExit, errorOf, farthing } from "./lib/pay.mjs";
import { decodeHeader, startSeller } from "./lib/seller.mjs";
import { startShop } from "./lib/shop.mjs";
import { said } from "./lib/wallet.mjs";

let world;
let chain;
let goods;
let unlocked;
let seller;
before(async () => {
  let origin;
  ({ world, origin, goods } = await startShop());
  chain = world.chain;
  origin.handlers["/goods"] = answer("the goods\n");
  unlocked = world.devnet.accounts[8].address;
  seller = await startSeller({});
});
after(async () => {
  await seller?.close();
  await world?.stop();
});

/// A wallet without a key, with a pact for this machine.
async function walletOf(t, signer, address, more = []) {
  const home = await makeFolder();
  t.after(home.remove);
  const folder = home.path("wallet");
  const operatorKey = generatePrivateKey();
  const run = (args, env = {}) => farthing([...args, "--wallet", folder], { env });
  const operator = privateKeyToAccount(operatorKey).address;
  const made = await run(["wallet", "init", "--operator", operator, "--signer", signer, "--address", address, ...more]);
  if (made.code !== 0) return { made };
  said(await run(["pact", "new", "--network", NETWORK, "--vendor", "127.0.0.1:*"]));
  said(await run(["pact", "sign"], { FARTHING_OPERATOR_KEY: operatorKey }));
  return {
    made,
    folder,
    run,
    pay: (url = `${seller.url}/page`) => run(["pay", url]),
    kinds: async () =>
      (await run(["ledger", "export"])).stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line).kind),
  };
}

/// A signer that answers what `reply(body, response)` says.
async function startSigner(t, reply) {
  const asked = [];
  const server = http.createServer(async (request, response) => {
    const body = JSON.parse((await readAll(request)).toString());
    asked.push({ url: request.url, body });
    const text = await reply(body, response);
    if (text === undefined) return;
    response.writeHead(200, { "content-type": text.startsWith("{") ? "application/json" : "text/plain" });
    response.end(text);
  });
  const { url, close } = await listen(server);
  t.after(close);
  return { url, asked };
}
const rpcResult = (body, result) => JSON.stringify({ jsonrpc: "2.0", id: body.id, result });

test("a node that has the key signs what is paid, and the wallet has none", async (t) => {
  const wallet = await walletOf(t, world.rpc, unlocked);
  assert.equal(said(wallet.made).address, unlocked);
  await assert.rejects(access(`${wallet.folder}/key.json`));
  const before = await chain.balanceOf(unlocked);
  const run = await wallet.pay(goods);
  assertExit(run, 0);
  assert.equal(run.stdout, "the goods\n");
  assert.equal(await chain.balanceOf(unlocked), before - 1000n);
  assert.deepEqual(await wallet.kinds(), ["pact", "decision", "pin", "signed", "settled"]);
});

test("it is shown exactly what is paid", async (t) => {
  const account = privateKeyToAccount(generatePrivateKey());
  const signer = await startSigner(t, async (body) => rpcResult(body, await account.signTypedData(forViem(body.params[1]))));
  const wallet = await walletOf(t, signer.url, account.address);
  seller.forget();
  assertExit(await wallet.pay(), 0);
  const [{ body }] = signer.asked;
  assert.deepEqual([body.method, body.params[0]], ["eth_signTypedData_v4", account.address]);
  const { domain, message, primaryType } = body.params[1];
  assert.equal(primaryType, "TransferWithAuthorization");
  assert.deepEqual(domain, { name: "USDC", version: "2", chainId: 84532, verifyingContract: USDC });
  assert.deepEqual(message, decodeHeader(seller.payments()[0]).payload.authorization);
});

test("web3signer is given what it hashes and signs", async (t) => {
  const key = generatePrivateKey();
  const { address } = privateKeyToAccount(key);
  const signer = await startSigner(t, ({ data }) => sign({ hash: keccak256(data), privateKey: key, to: "hex" }));
  const wallet = await walletOf(t, `${signer.url}/api/v1/eth1/sign/0xab`, address, ["--signer-kind", "web3signer"]);
  seller.forget();
  assertExit(await wallet.pay(), 0);
  assert.equal(signer.asked[0].url, "/api/v1/eth1/sign/0xab");
  const { authorization, signature } = decodeHeader(seller.payments()[0]).payload;
  assert.equal(authorization.from, address);
  assert.match(signer.asked[0].body.data, /^0x1901[0-9a-f]{128}$/);
  assert.equal(signature.length, 2 + 130);
});

/// viem adds the domain's type itself.
function forViem({ types: { EIP712Domain: _, ...types }, ...rest }) {
  return { ...rest, types };
}

describe("nothing is sent with", () => {
  const stranger = privateKeyToAccount(generatePrivateKey());
  const owner = privateKeyToAccount(generatePrivateKey());
  const HALF = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const highS = (signature) => {
    const s = HALF - BigInt(`0x${signature.slice(66, 130)}`);
    const v = signature.endsWith("1b") ? "1c" : "1b";
    return `${signature.slice(0, 66)}${s.toString(16).padStart(64, "0")}${v}`;
  };
  const cases = [
    { name: "another's signature", reply: async (body) => rpcResult(body, await stranger.signTypedData(forViem(body.params[1]))), code: 3, error: "invalid_signature" },
    {
      name: "the owner's signature of more money",
      reply: async (body) => {
        const data = forViem(body.params[1]);
        return rpcResult(body, await owner.signTypedData({ ...data, message: { ...data.message, value: "1000000" } }));
      },
      code: 3,
      error: "invalid_signature",
    },
    { name: "a second form of the right one", reply: async (body) => rpcResult(body, highS(await owner.signTypedData(forViem(body.params[1])))), code: 3, error: "invalid_signature" },
    { name: "half a signature", reply: (body) => rpcResult(body, "0x1234"), code: 3, error: "invalid_signature" },
    { name: "no text", reply: (body) => rpcResult(body, 7), code: 4 },
    { name: "a refusal", reply: (body) => JSON.stringify({ jsonrpc: "2.0", id: body.id, error: { code: 4001, message: "not \u001b[2Jtoday" } }), code: 4 },
    { name: "a page", reply: () => "<html>", code: 4 },
    { name: "no answer", reply: () => undefined, code: 4, quick: true },
  ];
  for (const { name, reply, code, error, quick } of cases) {
    test(name, async (t) => {
      const signer = await startSigner(t, reply);
      const wallet = await walletOf(t, signer.url, owner.address);
      const file = `${wallet.folder}/wallet.toml`;
      if (quick) await writeFile(file, `${await readFile(file, "utf8")}timeout = "300ms"\n`);
      seller.forget();
      const run = await wallet.pay();
      assertExit(run, code);
      if (error) assert.equal(errorOf(run).code, error);
      assert.ok(!run.stderr.includes("\u001b"));
      assert.equal(signer.asked.length, 1);
      assert.deepEqual(seller.payments(), []);
      assert.deepEqual(await wallet.kinds(), ["pact", "decision", "pin", "released"], "and its reservation is gone");
    });
  }
});

describe("not taken", () => {
  test("a signer that everybody on the way can read, or that is of no known kind", async (t) => {
    assertExit((await walletOf(t, "http://example.com", unlocked)).made, 2);
    assertExit((await walletOf(t, "https://example.com", unlocked, ["--signer-kind", "carrier pigeon"])).made, 2);
    assertExit((await walletOf(t, "https://example.com", "nobody")).made, 2);
  });

  test("a key and a signer at once", async (t) => {
    const wallet = await walletOf(t, world.rpc, unlocked);
    await writeFile(`${wallet.folder}/key.json`, "{}");
    const run = await wallet.pay();
    assertExit(run, 2);
  });
});
