// SPDX-License-Identifier: Apache-2.0
// What `farthing pay` refuses to do with its owner's money, whatever a server asks for.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { generatePrivateKey } from "../interop/lib/packages.mjs";
import { makeCertificate } from "./lib/certificate.mjs";
import { makeFolder } from "./lib/files.mjs";
import { assertCanBeFoundOut, assertExit, errorOf, farthing, pay } from "./lib/pay.mjs";
import { PAY_TO, ask, decodeHeader, deliver, offer, startSeller } from "./lib/seller.mjs";
import { PASSWORD, walletOf } from "./lib/wallet.mjs";

const key = generatePrivateKey();

let seller;
let folder;
before(async () => {
  folder = await makeFolder();
  seller = await startSeller({});
});
after(async () => {
  await seller?.close();
  await folder?.remove();
});
beforeEach(() => seller.forget());

/// A page that asks for one of `accepts`.
function priced(path, accepts) {
  seller.pages[path] = (_request, response, { payment }) =>
    payment === undefined ? ask(response, accepts) : deliver(response, payment);
  return seller.url + path;
}

describe("--max-amount", () => {
  const cases = [
    { asked: "100000", args: [], paid: true, name: "the default of ten cents is paid" },
    { asked: "100001", args: [], paid: false, name: "one unit above the default is refused" },
    { asked: "1000", args: ["--max-amount", "$0.001"], paid: true, name: "exactly the limit is paid" },
    { asked: "999", args: ["--max-amount", "$0.001"], paid: true, name: "one unit below the limit is paid" },
    { asked: "1001", args: ["--max-amount", "$0.001"], paid: false, name: "one unit above the limit is refused" },
    { asked: "100000", args: ["--max-amount", "0.10"], paid: true, name: "a bare decimal is dollars" },
    { asked: "2", args: ["--max-amount", "0.0000019"], paid: false, name: "a limit finer than the token is not rounded up" },
    { asked: "1000", args: ["--max-amount", "0.001 USDC"], paid: true, name: "a limit may name the token" },
    { asked: "1000", args: ["--max-amount", "0.001 EURC"], paid: false, name: "a limit in another token is no permission" },
    { asked: "1", args: ["--max-amount", "$0"], paid: false, name: "a limit of nothing pays nothing" },
    {
      asked: String(2n ** 256n - 1n),
      args: ["--max-amount", "$1000000"],
      paid: false,
      name: "the largest number there is does not wrap around",
    },
  ];
  for (const { name, asked, args, paid } of cases) {
    test(name, async () => {
      const run = await pay([priced("/limit", [offer({ amount: asked })]), ...args], { key });
      assertExit(run, paid ? 0 : 3);
      assert.equal(seller.payments().length, paid ? 1 : 0);
      if (paid) assert.equal(decodeHeader(seller.payments()[0]).payload.authorization.value, asked);
    });
  }

  test("the refusal names price and limit", async () => {
    const run = await pay([priced("/dear", [offer({ amount: "2500000" })])], { key });
    const { code, detail, kind } = errorOf(run);
    assert.deepEqual({ code, kind }, { code: "over_limit", kind: "refused" });
    assert.match(detail, /\$2\.50* USDC is more than your limit of \$0\.1$/);
  });

  for (const wrong of ["1e3", "-1", "0x10", "", "$", "1,000", "1.", ".5", "NaN"]) {
    test(`"${wrong}" is no amount: exit 2, nothing sent`, async () => {
      const run = await pay([`${seller.url}/page`, `--max-amount=${wrong}`], { key });
      assertExit(run, 2);
      assert.match(run.stderr, /--max-amount/);
      assert.deepEqual(seller.seen(), []);
    });
  }

  for (const bare of ["2000", "1", " 2000 "]) {
    test(`"${bare}" could be atomic units: exit 2, and the message shows how to write it`, async () => {
      const run = await pay([`${seller.url}/page`, `--max-amount=${bare}`], { key });
      assertExit(run, 2);
      assert.match(errorOf(run).detail, /--max-amount: .*atomic units: write it as '\$0\.10' or '0\.1 USDC'/);
      assert.deepEqual(seller.seen(), []);
    });
  }
});

describe("which entry is paid", () => {
  test("the cheapest that is acceptable", async () => {
    const accepts = [offer({ amount: "900" }), offer({ amount: "300" }), offer({ amount: "300", maxTimeoutSeconds: 61 })];
    assertExit(await pay([priced("/several", accepts)], { key }), 0);
    const { accepted } = decodeHeader(seller.payments()[0]);
    assert.deepEqual(accepted, accepts[1]);
  });

  test("an entry on a network that --network does not allow is left alone", async () => {
    const base = offer({
      network: "eip155:8453",
      amount: "1",
      asset: "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913",
      extra: { name: "USD Coin", version: "2" },
    });
    const url = priced("/networks", [base, offer({ amount: "700" })]);
    assertExit(await pay([url, "--network", "base-sepolia"], { key }), 0);
    assert.equal(decodeHeader(seller.payments()[0]).accepted.network, "eip155:84532");
    seller.forget();
    assertExit(await pay([url, "--network", "polygon"], { key }), 3);
    assert.deepEqual(seller.payments(), []);
  });

  test("unknown members of the entry are echoed as they came", async () => {
    const entry = offer({ extra: { name: "USDC", version: "2", note: ["keep", { me: null }] }, colour: "blue" });
    assertExit(await pay([priced("/echo", [entry])], { key }), 0);
    assert.deepEqual(decodeHeader(seller.payments()[0]).accepted, entry);
  });

  const traps = [
    { name: "a token that is not on the list", entry: { asset: "0x1111111111111111111111111111111111111111" } },
    { name: "a domain of another token", entry: { extra: { name: "USD Coin", version: "2" } } },
    { name: "a domain of another version", entry: { extra: { name: "USDC", version: "1" } } },
    { name: "no domain", entry: { extra: {} } },
    { name: "money before the work", entry: { extra: { name: "USDC", version: "2", paymentFlow: "upfront" } } },
    { name: "Permit2 for a token that has EIP-3009", entry: { extra: { name: "USDC", version: "2", assetTransferMethod: "permit2" } } },
    { name: "a scheme nobody knows", entry: { scheme: "exactly" } },
    { name: "a network that is no EVM chain", entry: { network: "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp" } },
    { name: "the zero address as payee", entry: { payTo: `0x${"0".repeat(40)}` } },
    { name: "a payee that is no address", entry: { payTo: "seller.eth" } },
    { name: "a mistyped payee", entry: { payTo: "0x15d34AAf54267DB7D7c367839AAf71A00a2C6a65" } },
    { name: "no time at all", entry: { maxTimeoutSeconds: 0 } },
    { name: "an amount of 1e3", entry: { amount: "1e3" } },
    { name: "an amount of -1", entry: { amount: "-1" } },
    { name: "an amount of 0x10", entry: { amount: "0x10" } },
    { name: "an amount of 2^256", entry: { amount: String(2n ** 256n) } },
    { name: "an amount that is a number", entry: { amount: 1000 } },
  ];
  for (const { name, entry } of traps) {
    test(`never signs for ${name}`, async () => {
      const run = await pay([priced("/trap", [offer(entry)])], { key });
      assertExit(run, 3);
      assert.equal(errorOf(run).code, "no_acceptable_offer");
      assert.deepEqual(seller.payments(), []);
    });
  }

  test("a signature lives an hour at most, whatever the server asks for", async () => {
    const before = Math.floor(Date.now() / 1000);
    assertExit(await pay([priced("/long-lived", [offer({ maxTimeoutSeconds: 86_400 })])], { key }), 0);
    const { validBefore } = decodeHeader(seller.payments()[0]).payload.authorization;
    const after = Math.floor(Date.now() / 1000);
    assert.ok(Number(validBefore) >= before + 3500 && Number(validBefore) <= after + 3600, validBefore);
  });

  const unreadable = [
    { name: "a PAYMENT-REQUIRED that is not base64", header: "%%%" },
    { name: "a PAYMENT-REQUIRED that is not JSON", header: Buffer.from("hello").toString("base64") },
    { name: "JSON 10,000 levels deep", header: Buffer.from("[".repeat(10_000) + "]".repeat(10_000)).toString("base64") },
    { name: "duplicate keys", header: Buffer.from('{"x402Version":2,"x402Version":1,"accepts":[]}').toString("base64") },
    { name: "nothing that could be accepted", header: Buffer.from('{"x402Version":2,"accepts":[]}').toString("base64") },
  ];
  for (const { name, header } of unreadable) {
    test(`a 402 with ${name} is refused in words`, async () => {
      seller.pages["/unreadable"] = (_request, response) => {
        response.writeHead(402, { "payment-required": header });
        response.end();
      };
      const run = await pay([`${seller.url}/unreadable`], { key });
      assertExit(run, 3);
      assert.ok(errorOf(run).detail.length > 10, run.stderr);
    });
  }
});

describe("redirects", () => {
  const to = (location, status = 307) => (_request, response) => {
    response.writeHead(status, { location });
    response.end();
  };

  test("on the same origin the payment follows", async () => {
    seller.pages["/door"] = (request, response, { payment }) =>
      payment === undefined ? ask(response) : to("/room")(request, response);
    const run = await pay([`${seller.url}/door`], { key });
    assertExit(run, 0);
    assert.equal(run.stdout, "the goods\n");
    assert.deepEqual(seller.seen().map(({ path, payment }) => [path, payment !== undefined]), [
      ["/door", false],
      ["/door", true],
      ["/room", true],
    ]);
    assert.equal(new Set(seller.payments()).size, 1, "one signature");
  });

  test("to another origin the payment does not follow", async () => {
    const thief = await startSeller({});
    seller.pages["/trapdoor"] = (request, response, { payment }) =>
      payment === undefined ? ask(response) : to(`${thief.url}/room`)(request, response);
    const run = await pay([`${seller.url}/trapdoor`], { key });
    await thief.close();
    assert.deepEqual(thief.seen(), [], "the paid request goes nowhere else");
    assert.equal(seller.payments().length, 1);
    assertExit(run, 5);
    assert.equal(run.stdout, "");
    const { code, detail } = errorOf(run);
    assert.equal(code, "outcome_unknown");
    assert.match(detail, /answered 307, a redirect that was not followed/);
    assertCanBeFoundOut(run, seller.payments()[0]);
  });

  test("an unpaid request follows to another origin without its credentials", async () => {
    const other = await startSeller({});
    seller.pages["/moved"] = to(`${other.url}/new-home`, 302);
    const run = await pay([`${seller.url}/moved`, "-H", "Authorization: Bearer secret", "-H", "X-Plain: yes"], { key });
    await other.close();
    assertExit(run, 0);
    assert.equal(run.stdout, "the goods\n");
    assert.equal(other.payments().length, 1, "the new home is paid");
    for (const { headers } of other.seen()) {
      assert.equal(headers.authorization, undefined);
      assert.equal(headers["x-plain"], "yes");
    }
    assert.deepEqual(seller.payments(), []);
  });

  test("from https to http nothing follows", async () => {
    const { file: certificate, tls } = makeCertificate(folder);
    const secure = await startSeller({ "/down": to(`${seller.url}/plain`, 302) }, { tls });
    try {
      const trusted = ["--ca-file", certificate];
      const down = await pay([`${secure.url}/down`, "--json", ...trusted], { key });
      assertExit(down, 0);
      assert.equal(JSON.parse(down.stdout).status, 302, "the redirect itself is the answer");
      assert.deepEqual(seller.seen(), []);
      assertExit(await pay([`${secure.url}/page`, ...trusted], { key }), 0);
      const untrusted = await pay([`${secure.url}/page`], { key });
      assertExit(untrusted, 4);
      assert.match(errorOf(untrusted).detail, /certificate/i);
    } finally {
      await secure.close();
    }
  });

  test("a circle of redirects ends", async () => {
    seller.pages["/circle"] = to("/circle");
    const run = await pay([`${seller.url}/circle`], { key });
    assertExit(run, 4);
    assert.match(errorOf(run).detail, /more than 5 redirects/);
    assert.equal(seller.seen().length, 6);
  });
});

describe("who pays", () => {
  const page = () => priced("/page", [offer({})]);
  const assertBad = (run, detail) => {
    assertExit(run, 2);
    assert.match(errorOf(run).detail, detail);
    assert.equal(seller.payments().length, 0);
  };
  const assertPaidBy = (run, address) => {
    assertExit(run, 0);
    const [{ from }] = seller.payments().map((payment) => decodeHeader(payment).payload.authorization);
    assert.equal(from, address);
    seller.forget();
  };
  const walletHere = (t) => walletOf(t, undefined, 0n, ["--vendor", new URL(seller.url).host]);

  test("an option that is given with nothing is a bad argument, and not one that is absent", async () => {
    for (const option of ["--wallet", "--keystore", "--password-file", "--assets", "--max-amount", "--ca-file", "--output"]) {
      assertBad(await pay([page(), option, ""], { key }), new RegExp(`${option}: must not be empty`));
    }
    for (const [option, ...command] of [
      ["--wallet", "pact", "check"],
      ["--wallet", "approvals", "list"],
      ["--wallet", "ledger", "show"],
      ["--wallet", "mcp"],
      ["--signer", "wallet", "init", "--operator", PAY_TO, "--address", PAY_TO],
      ["--password-file", "wallet", "init", "--operator", PAY_TO],
      ["--socket", "wallet", "serve"],
      ["--keystore", "pact", "sign"],
      ["--config", "gateway"],
    ]) {
      assertBad(await farthing([...command, option, ""]), new RegExp(`${option}: must not be empty`));
    }
    assertExit(await pay([page(), "--data", ""], { key }), 0);
  });

  test("FARTHING_WALLET is the wallet where neither --wallet nor --keystore is given", async (t) => {
    const wallet = await walletHere(t);
    const env = { FARTHING_WALLET: wallet.folder, FARTHING_PASSWORD: PASSWORD };
    assertPaidBy(await pay([page(), "--task", "mail"], { env }), wallet.agent);
    const [{ verdict, task }] = await wallet.entries(["--kind", "decision"]);
    assert.deepEqual([verdict, task], ["allow", "mail"]);
    const other = await walletHere(t);
    assertPaidBy(await pay([page(), "--wallet", other.folder], { key, env }), other.agent);
    const keystore = `${other.folder}/key.json`;
    assertPaidBy(await pay([page(), "--keystore", keystore], { key, env }), other.agent);
    assert.equal((await other.entries(["--kind", "decision"])).length, 1, "the key file alone knows no pact");
  });

  test("a key and a wallet that are both only in the environment: neither is guessed", async (t) => {
    const wallet = await walletHere(t);
    const env = { FARTHING_WALLET: wallet.folder, FARTHING_PASSWORD: PASSWORD };
    for (const args of [[], ["--dry-run"]]) {
      assertBad(await pay([page(), ...args], { key, env }), /FARTHING_WALLET and FARTHING_KEY are both set/);
    }
    assertExit(await pay([page()], { key, env: { FARTHING_WALLET: "" } }), 0);
  });

  test("a task is for a wallet", async () => {
    assertBad(await pay([page(), "--task", "mail"], { key }), /--wallet/);
  });
});
