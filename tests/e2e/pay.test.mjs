// SPDX-License-Identifier: Apache-2.0
// `farthing pay` for somebody who knows curl: what is sent, where the body goes, what the exit code says. The seller is
// scripted: no chain is needed to see what a buyer does.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, rm, stat } from "node:fs/promises";
import { after, before, beforeEach, describe, test } from "node:test";
import { generatePrivateKey, privateKeyToAccount } from "../interop/lib/packages.mjs";
import { NETWORK, USDC } from "../interop/lib/chain.mjs";
import { makeFolder } from "./lib/files.mjs";
import { answer } from "./lib/origin.mjs";
import { assertExit, errorOf, farthing, onTerminal, pay, shell } from "./lib/pay.mjs";
import { decodeHeader, deliver, offer, PAY_TO, receiptFor, SOME_TRANSACTION, startSeller, ask } from "./lib/seller.mjs";

const key = generatePrivateKey();
const payer = privateKeyToAccount(key).address;
const LONG = Buffer.alloc(2 << 20, "x");

let seller;
let folder;
before(async () => {
  folder = await makeFolder();
  seller = await startSeller({
    "/free": answer("free as air\n", { headers: { "x-page": "free" } }),
    "/missing": answer("nothing here\n", { status: 404 }),
    "/binary": (_request, response, { payment }) =>
      payment ? deliver(response, payment, Buffer.from([0, 159, 146, 150])) : ask(response),
    "/long": (_request, response, { payment }) =>
      payment ? deliver(response, payment, LONG, { "content-length": LONG.length }) : ask(response),
    "/paid-404": (_request, response, { payment }) => {
      if (payment === undefined) return ask(response);
      response.writeHead(404, { "content-type": "text/plain" });
      return response.end("paid for and not found\n");
    },
  });
});
after(async () => {
  await seller?.close();
  await folder?.remove();
});
beforeEach(() => seller.forget());

describe("what is sent", () => {
  test("a free page needs no key and is sent one request", async () => {
    const run = await pay([`${seller.url}/free`]);
    assertExit(run, 0);
    assert.equal(run.stdout, "free as air\n");
    assert.equal(run.stderr, "");
    assert.deepEqual(seller.seen().map(({ method }) => method), ["GET"]);
  });

  test("a priced page is asked for, paid for, and its body is all of stdout", async () => {
    const run = await pay([`${seller.url}/page?a=1&b=2`], { key });
    assertExit(run, 0);
    assert.equal(run.stdout, "the goods\n");
    assert.equal(run.stderr, "");
    const [unpaid, paid] = seller.seen();
    assert.equal(unpaid.payment, undefined);
    assert.deepEqual([unpaid.url, paid.url], ["/page?a=1&b=2", "/page?a=1&b=2"]);
    assert.equal(seller.payments().length, 1);
  });

  const requests = [
    { name: "-X sets the method", args: ["-X", "DELETE"], expect: { method: "DELETE", body: "" } },
    { name: "-d makes it a POST", args: ["-d", "a=1"], expect: { method: "POST", body: "a=1" } },
    { name: "-X and -d together", args: ["-X", "PUT", "-d", "x"], expect: { method: "PUT", body: "x" } },
    { name: "several -d are joined", args: ["-d", "a=1", "-d", "b=2"], expect: { method: "POST", body: "a=1&b=2" } },
    { name: "-d @- reads stdin", args: ["-d", "@-"], input: "from\nstdin\n", expect: { method: "POST", body: "fromstdin" } },
    {
      name: "--data-binary @- keeps line ends",
      args: ["--data-binary", "@-"],
      input: "from\nstdin\n",
      expect: { method: "POST", body: "from\nstdin\n" },
    },
  ];
  for (const { name, args, input, expect } of requests) {
    test(`${name}, in the paid request as in the unpaid one`, async () => {
      const run = await pay([`${seller.url}/page`, ...args], { key, input });
      assertExit(run, 0);
      const sent = seller.seen().map(({ method, body }) => ({ method, body }));
      assert.deepEqual(sent, [expect, expect]);
    });
  }

  test("-d @FILE sends the file without its line ends", async () => {
    const file = await folder.write("data", "one\r\ntwo\n");
    assertExit(await pay([`${seller.url}/page`, "-d", `@${file}`], { key }), 0);
    assert.deepEqual(seller.seen().map(({ body }) => body), ["onetwo", "onetwo"]);
    const { headers } = seller.seen()[1];
    assert.equal(headers["content-type"], "application/x-www-form-urlencoded");
    assert.equal(headers["content-length"], "6");
  });

  test("-H adds, replaces and removes headers", async () => {
    const args = ["-H", "X-One: 1", "-H", "User-Agent: me", "-H", "Accept:", "-d", "{}", "-H", "Content-Type: application/json"];
    assertExit(await pay([`${seller.url}/page`, ...args], { key }), 0);
    for (const { headers } of seller.seen()) {
      assert.equal(headers["x-one"], "1");
      assert.equal(headers["user-agent"], "me");
      assert.equal(headers.accept, undefined);
      assert.equal(headers["content-type"], "application/json");
    }
  });

  test("-I asks for the headers only, and prints them, paid for or not", async () => {
    for (const args of [["/free", "-I"], ["/free", "-I", "-i"], ["/page", "-I"]]) {
      const [path, ...rest] = args;
      const run = await pay([seller.url + path, ...rest], { key });
      assertExit(run, 0);
      assert.match(run.stdout, /^HTTP\/1\.1 200 OK\r\n(?:[^\r\n]+\r\n)+\r\n$/);
    }
    assert.deepEqual(new Set(seller.seen().map(({ method }) => method)), new Set(["HEAD"]));
    const json = await pay([`${seller.url}/free`, "-I", "--json"]);
    assert.equal(JSON.parse(json.stdout).body, "");
  });
});

describe("where the answer goes", () => {
  test("-o writes the body into a file and nothing to stdout", async () => {
    const file = folder.path("body");
    const run = await pay([`${seller.url}/long`, "-o", file], { key });
    assertExit(run, 0);
    assert.equal(run.stdout, "");
    assert.deepEqual(await readFile(file), LONG);
  });

  test("-i puts status and headers before the body", async () => {
    const run = await pay([`${seller.url}/free`, "-i"]);
    assertExit(run, 0);
    assert.match(run.stdout, /^HTTP\/1\.1 200 OK\r\n(?:[^\r\n]+\r\n)*x-page: free\r\n(?:[^\r\n]+\r\n)*\r\nfree as air\n$/);
  });

  test("-v tells the conversation on stderr, and never the payment or the key", async () => {
    const run = await pay([`${seller.url}/page`, "-v"], { key });
    assertExit(run, 0);
    assert.equal(run.stdout, "the goods\n");
    for (const said of [
      /^> GET \/page HTTP\/1\.1$/m,
      /^< HTTP\/1\.1 402 Payment Required$/m,
      /^\* accepts\[0\] \$0\.001 USDC on eip155:84532 \(base-sepolia\) to 0x15d3.*: yes$/m,
      new RegExp(`^\\* ${payer} signs: \\$0\\.001 USDC to ${PAY_TO}`, "m"),
      /^> PAYMENT-SIGNATURE: a signed payment, \d+ bytes$/m,
      /^< HTTP\/1\.1 200 OK$/m,
    ]) {
      assert.match(run.stderr, said);
    }
    const [payment] = seller.payments();
    assert.ok(!run.stderr.includes(payment), "whoever reads a payment could hand it in");
    assert.ok(!run.stderr.includes(key.slice(2)), "the key stays secret");
  });

  test("--json says in one line what was paid and what came", async () => {
    const run = await pay([`${seller.url}/page`, "--json"], { key });
    assertExit(run, 0);
    assert.equal(run.stdout.split("\n").length, 2, "one line");
    const { nonce, validBefore } = decodeHeader(seller.payments()[0]).payload.authorization;
    assert.deepEqual(JSON.parse(run.stdout), {
      status: 200,
      paid: true,
      amount: "1000",
      asset: USDC,
      network: NETWORK,
      payTo: PAY_TO,
      payer,
      nonce,
      validBefore,
      transaction: SOME_TRANSACTION,
      receipt: "verified",
      url: `${seller.url}/page`,
      body: "the goods\n",
    });
  });

  test("--json of a free page says that nothing was paid", async () => {
    const run = await pay([`${seller.url}/free`, "--json"]);
    assert.deepEqual(JSON.parse(run.stdout), {
      status: 200,
      paid: false,
      url: `${seller.url}/free`,
      body: "free as air\n",
    });
  });

  test("--json carries a body that is no text as base64", async () => {
    const run = await pay([`${seller.url}/binary`, "--json"], { key });
    assertExit(run, 0);
    assert.equal(JSON.parse(run.stdout).bodyBase64, "AJ+Slg==");
  });

  test("--json with -o names the file and the size of the body", async () => {
    const file = folder.path("named");
    const run = await pay([`${seller.url}/page`, "--json", "-o", file], { key });
    assertExit(run, 0);
    const { output, bytes, body } = JSON.parse(run.stdout);
    assert.deepEqual({ output, bytes, body }, { output: file, bytes: 10, body: undefined });
    assert.equal(await readFile(file, "utf8"), "the goods\n");
  });

  test("a long download draws a progress bar on a terminal and none in a pipe", async () => {
    const file = folder.path("long");
    const url = `${seller.url}/long`;
    const shown = await onTerminal(["pay", url, "-o", file], { env: { FARTHING_KEY: key } });
    assertExit(shown, 0);
    assert.match(shown.stdout, /\[#{40}\] 100 % {2}2\.0 of 2\.0 MiB/);
    const piped = await pay([url, "-o", file], { key });
    assertExit(piped, 0);
    assert.equal(piped.stderr, "");
    const silent = await onTerminal(["pay", url, "-s", "-o", file], { env: { FARTHING_KEY: key } });
    assertExit(silent, 0);
    assert.equal(silent.stdout, "");
  });
});

describe("an output that fails", () => {
  const spilled = (text) => text.match(/ is in (\S+)$/)[1];
  /// The rest of what was paid for, from the file that the message names.
  async function rescued(detail) {
    const file = spilled(detail);
    const text = await readFile(file, "utf8");
    await rm(file);
    return text;
  }

  test("keeps what it had until an answer comes, and makes no file when none does", async () => {
    const [old, fresh] = [await folder.write("old", "as it was"), folder.path("fresh")];
    for (const file of [old, fresh]) {
      assertExit(await pay([`${seller.url}/page`, "-o", file, "--max-amount", "$0.0001"], { key }), 3);
    }
    assert.equal(await readFile(old, "utf8"), "as it was");
    assert.equal(existsSync(fresh), false);
    assertExit(await pay([`${seller.url}/page`, "-o", old], { key }), 0);
    assert.equal(await readFile(old, "utf8"), "the goods\n");
  });

  for (const args of [[], ["--json"]]) {
    test(`after the payment: the goods are in a file that is named ${args}`, async () => {
      const run = await pay([`${seller.url}/page`, "-o", "/dev/full", ...args], { key });
      assertExit(run, 5);
      const { detail } = errorOf(run);
      assert.match(detail, /\/dev\/full: No space left on device/);
      assert.ok(detail.includes(SOME_TRANSACTION), detail);
      assert.equal(await rescued(detail), "the goods\n");
    });
  }

  test("after the payment, and then the line breaks: what came is in a file that is named", async () => {
    seller.pages["/half"] = (request, response, { payment }) => {
      if (payment === undefined) return ask(response);
      response.writeHead(200, { "payment-response": receiptFor(payment), "content-length": 100 });
      return response.write("half", () => request.socket.destroy());
    };
    const run = await pay([`${seller.url}/half`, "-o", "/dev/full"], { key });
    assertExit(run, 5);
    const { detail } = errorOf(run);
    assert.ok(detail.includes(SOME_TRANSACTION), detail);
    assert.equal(await rescued(detail), "half");
  });

  test("when nothing was paid it may be asked for again: exit 4, and no file", async () => {
    const run = await pay([`${seller.url}/free`, "-o", "/dev/full"]);
    assertExit(run, 4);
    assert.match(errorOf(run).detail, /\/dev\/full: No space left on device$/);
  });

  test("that cannot take the summary: it is in a file", async () => {
    const run = await shell(`exec "$0" pay "$1" --json > /dev/full`, [`${seller.url}/page`], { key });
    assertExit(run, 5);
    assert.equal(JSON.parse(await rescued(errorOf(run).detail)).body, "the goods\n");
  });

  test("that is closed is noticed before anything is sent", async () => {
    const run = await shell(`exec "$0" pay "$1" >&-`, [`${seller.url}/page`], { key });
    assertExit(run, 2);
    assert.deepEqual(seller.seen(), []);
  });

  test("a paid body too long for --json is in a file that the line names", async () => {
    const size = (64 << 20) + 1;
    seller.pages["/huge"] = (_request, response, { payment }) =>
      payment ? deliver(response, payment, Buffer.alloc(size, "x")) : ask(response);
    const run = await pay([`${seller.url}/huge`, "--json"], { key });
    assertExit(run, 0);
    const { output, bytes, body, paid } = JSON.parse(run.stdout);
    assert.deepEqual({ bytes, body, paid }, { bytes: size, body: undefined, paid: true });
    assert.equal((await stat(output)).size, size);
    await rm(output);
    assert.equal(JSON.parse(run.stderr).warning.code, "body_in_file");
  });
});

describe("exit codes", () => {
  test("0 for an answer, whatever its status, and 22 with -f and no body", async () => {
    const plain = await pay([`${seller.url}/missing`]);
    assertExit(plain, 0);
    assert.equal(plain.stdout, "nothing here\n");
    const failing = await pay([`${seller.url}/missing`, "-f"]);
    assertExit(failing, 22);
    assert.equal(failing.stdout, "");
  });

  test("a paid request that fails without a receipt is delivered with a warning, not charged for", async () => {
    const run = await pay([`${seller.url}/paid-404`, "--json"], { key });
    assertExit(run, 0);
    const { status, paid, receipt } = JSON.parse(run.stdout);
    assert.deepEqual({ status, paid, receipt }, { status: 404, paid: false, receipt: "none" });
    assert.equal(JSON.parse(run.stderr).warning.code, "not_settled");
  });

  const badArguments = [
    { name: "no URL", args: [], says: /url/ },
    { name: "an unknown option", args: ["URL", "--paranoid"], says: /--paranoid/ },
    { name: "a URL of another scheme", args: ["ftp://127.0.0.1/"], says: /URL: .*http/ },
    { name: "a header without a colon", args: ["URL", "-H", "nonsense"], says: /--header: expected \\"Name: value\\"/ },
    { name: "a header with a line break", args: ["URL", "-H", "A: b\r\nC: d"], says: /--header: expected \\"Name: value\\"/ },
    { name: "a method that is none", args: ["URL", "-X", "get it"], says: /--request: expected a method/ },
    { name: "a time that is none", args: ["URL", "--max-time", "soon"], says: /--max-time: expected a time/ },
    { name: "an unknown network", args: ["URL", "--network", "moon"], says: /--network: .*moon|--network: expected/ },
    { name: "--json together with -i", args: ["URL", "--json", "-i"], says: /--json|--include/ },
  ];
  for (const { name, args, says } of badArguments) {
    test(`2 for ${name}, and nothing is sent`, async () => {
      const run = await pay(args.map((each) => (each === "URL" ? `${seller.url}/page` : each)), { key });
      assertExit(run, 2);
      assert.match(run.stderr, says);
      assert.equal(run.stdout, "");
      assert.deepEqual(seller.seen(), []);
    });
  }

  test("2 when a payment is asked for and there is no key, and the message says how to give one", async () => {
    const run = await pay([`${seller.url}/page`]);
    assertExit(run, 2);
    const { code, detail, kind } = errorOf(run);
    assert.deepEqual({ code, kind }, { code: "invalid_argument", kind: "invalid" });
    assert.match(detail, /FARTHING_KEY.*--keystore/);
  });

  test("4 when the server cannot be reached: nothing was paid", async () => {
    const gone = await startSeller({});
    await gone.close();
    const run = await pay([`${gone.url}/page`], { key });
    assertExit(run, 4);
    assert.equal(errorOf(run).code, "connection_failed");
  });

  test("4 when --max-time passes before anything was paid", async () => {
    seller.pages["/hangs"] = () => {};
    const run = await pay([`${seller.url}/hangs`, "--max-time", "200ms"], { key });
    assertExit(run, 4);
    assert.equal(errorOf(run).code, "timed_out");
  });

  const named = [
    ["pay", "URL", "-d", "@FILE"],
    ["pay", "URL", "--data-binary", "@FILE"],
    ["pay", "URL", "--assets", "FILE"],
    ["pay", "URL", "--keystore", "FILE"],
    ["pay", "URL", "--keystore", "/dev/null", "--password-file", "FILE"],
    ["pay", "URL", "--ca-file", "FILE"],
    ["gateway", "--config", "FILE"],
    ["facilitator", "--config", "FILE"],
    ["keystore", "new", "FILE/key"],
    ["keystore", "import", "FILE/key"],
    ["keystore", "address", "FILE"],
  ];
  for (const args of named) {
    test(`2 for a file that is not there, or is none: farthing ${args.join(" ")}`, async () => {
      const wrong = [[folder.path("no/such/file"), /no\/such\/file: No such file or directory/]];
      if (args[1] !== "new" && args[1] !== "import") wrong.push([folder.path("."), /: Is a directory/]);
      for (const [file, says] of wrong) {
        const run = await farthing(args.map((each) => each.replace("FILE", file).replace("URL", seller.url)), { env: { FARTHING_KEY: key } });
        assertExit(run, 2);
        assert.match(errorOf(run).detail, says);
      }
      assert.deepEqual(seller.seen(), [], "nothing was sent");
    });
  }

  for (const [name, file] of [["in no folder", () => folder.path("no/such/file")], ["that is a folder", () => folder.path(".")]]) {
    test(`2 for an output file ${name}: nothing is signed or sent`, async () => {
      const run = await pay([`${seller.url}/page`, "-o", file()], { key });
      assertExit(run, 2);
      assert.match(errorOf(run).detail, /^--output: .*: (No such file or directory|Is a directory)$/);
      assert.deepEqual(seller.seen(), []);
    });
  }

  test("on a terminal an error is a sentence, not JSON", async () => {
    const run = await onTerminal(["pay", `${seller.url}/page`]);
    assertExit(run, 2);
    assert.match(run.stdout, /^farthing: invalid_argument: a payment is asked for/);
  });
});

describe("a word that nobody knows is named first", () => {
  const typed = [
    { args: ["pya", "http://127.0.0.1/"], says: /^farthing: pya: no such command; did you mean pay\?/ },
    { args: ["zebra"], says: /^farthing: zebra: no such command \(/ },
    { args: ["keystore", "nwe", "file"], says: /^keystore: nwe: no such command; did you mean new\?/ },
    { args: ["gateway", "--conf", "x"], says: /^gateway: --conf: no such option; did you mean --config\?/ },
    { args: ["pay", "--max-amonut", "$1"], says: /^pay: --max-amonut: no such option; did you mean --max-amount\?/ },
    { args: [], says: /subcommand is required/ },
  ];
  for (const { args, says } of typed) {
    test(`farthing ${args.join(" ")}`, async () => {
      const run = await farthing(args);
      assertExit(run, 2);
      assert.match(errorOf(run).detail, says);
    });
  }

  test("and so is a key file that is not there, before its password is asked for", async () => {
    const run = await pay([`${seller.url}/page`, "--keystore", folder.path("no-file")]);
    assert.match(errorOf(run).detail, /no-file: No such file or directory/);
  });
});

describe("the key", () => {
  test("is never taken from the command line", async () => {
    for (const option of ["--key", "--private-key"]) {
      const run = await pay([`${seller.url}/page`, option, key]);
      assertExit(run, 2);
      assert.deepEqual(seller.seen(), []);
    }
    const { stdout } = await farthing(["pay", "--help"]);
    assert.doesNotMatch(stdout, /--(private-)?key[ ,=]/);
    assert.match(stdout, /FARTHING_KEY/);
  });

  test("is not repeated in the message when it is malformed", async () => {
    const broken = `0x${"12".repeat(31)}zz`;
    const run = await pay([`${seller.url}/page`], { key: broken });
    assertExit(run, 2);
    const { detail } = errorOf(run);
    assert.match(detail, /FARTHING_KEY: expected a private key, 0x and 64 hex digits/);
    assert.ok(!run.stderr.includes("1212"), run.stderr);
  });
});

describe("--dry-run", () => {
  test("says what would be paid, needs no key, and sends one unpaid request", async () => {
    const run = await pay([`${seller.url}/page`, "--dry-run"]);
    assertExit(run, 0);
    assert.match(run.stdout, /402 Payment Required\naccepts\[0\] \$0\.001 USDC on eip155:84532/);
    assert.match(run.stdout, /would be paid; nothing was signed \(no key is set\)\n$/);
    assert.equal(seller.seen().length, 1);
    assert.deepEqual(seller.payments(), []);
  });

  test("says nothing about a key that is set, and exits with 2 for one that is none", async () => {
    const good = await pay([`${seller.url}/page`, "--dry-run"], { key });
    assertExit(good, 0);
    assert.match(good.stdout, /would be paid; nothing was signed\n$/);
    const wrong = [
      await pay([`${seller.url}/page`, "--dry-run"], { key: "0x12" }),
      await pay([`${seller.url}/page`, "--dry-run", "--keystore", await folder.write("no-keystore", "none")]),
    ];
    for (const run of wrong) assertExit(run, 2);
    assert.deepEqual(seller.payments(), []);
  });

  test("--json gives every entry with its verdict", async () => {
    seller.pages["/two"] = (_request, response) =>
      ask(response, [offer({ amount: "200000" }), offer({ amount: "500" }), offer({ asset: PAY_TO })]);
    const run = await pay([`${seller.url}/two`, "--dry-run", "--json"]);
    assertExit(run, 0);
    const { wouldPay, hasKey, chosen, accepts } = JSON.parse(run.stdout);
    assert.deepEqual({ wouldPay, hasKey, chosen }, { wouldPay: true, hasKey: false, chosen: 1 });
    assert.deepEqual(accepts.map(({ payable }) => payable), [false, true, false]);
    assert.match(accepts[0].reason, /more than your limit of \$0\.1$/);
    assert.match(accepts[2].reason, /not on the list of known assets/);
  });

  test("ends with 3 when nothing could be paid", async () => {
    const run = await pay([`${seller.url}/page`, "--dry-run", "--max-amount", "$0.0009"]);
    assertExit(run, 3);
    assert.match(run.stdout, /would not be paid/);
    assert.equal(errorOf(run).code, "over_limit");
  });
});
