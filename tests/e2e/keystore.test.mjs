// SPDX-License-Identifier: Apache-2.0
// Key files: made by `farthing keystore`, read by anybody who follows Web3 Secret Storage version 3, and paid from.

import assert from "node:assert/strict";
import { createCipheriv, createDecipheriv, pbkdf2Sync, scryptSync } from "node:crypto";
import { readFile, readdir, stat } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { farthingBinary } from "../interop/lib/farthing.mjs";
import { runToEnd } from "../interop/lib/processes.mjs";
import { generatePrivateKey, keccak256, privateKeyToAccount } from "../interop/lib/packages.mjs";
import { makeFolder } from "./lib/files.mjs";
import { assertExit, errorOf, farthing, onTerminal, pay } from "./lib/pay.mjs";
import { decodeHeader, startSeller } from "./lib/seller.mjs";

const PASSWORD = "correct horse battery staple";
const env = { FARTHING_PASSWORD: PASSWORD };
const key = generatePrivateKey();
const { address } = privateKeyToAccount(key);

let folder;
let seller;
let keyFile;
before(async () => {
  folder = await makeFolder();
  seller = await startSeller({});
  keyFile = folder.path("payer.json");
  const run = await farthing(["keystore", "import", keyFile, "--light"], { env: { ...env, FARTHING_KEY: key } });
  assertExit(run, 0);
});
after(async () => {
  await seller?.close();
  await folder?.remove();
});

test("a mnemonic becomes the key that other wallets derive, and is never repeated", async () => {
  const words = "test test test test test test test test test test test junk";
  const file = folder.path("mnemonic.json");
  const made = await farthing(["keystore", "import", file, "--light", "--mnemonic", "--index", "1"], { env, input: `${words}\n` });
  assertExit(made, 0);
  assert.equal(JSON.parse(made.stdout).address, "0x70997970C51812dc3A010C7d01b50e0d17dc79C8");
  assert.equal(await openByHand(file, PASSWORD), "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d");

  const wrong = await farthing(["keystore", "import", folder.path("no.json"), "--mnemonic"], { env, input: words.replace("junk", "secretword") });
  assertExit(wrong, 2);
  assert.match(errorOf(wrong).detail, /word 12 is not one of the English list/);
  assert.ok(!wrong.stderr.includes("secretword"));
});

const macOf = (derived, ciphertext) => keccak256(Buffer.concat([derived.subarray(16, 32), ciphertext])).slice(2);

/// Opens a key file with node's own cryptography. Returns the key.
async function openByHand(file, password) {
  const { version, crypto } = JSON.parse(await readFile(file, "utf8"));
  assert.equal(version, 3);
  assert.deepEqual([crypto.cipher, crypto.kdf], ["aes-128-ctr", "scrypt"]);
  const { n, r, p, dklen, salt } = crypto.kdfparams;
  const derived = scryptSync(password, Buffer.from(salt, "hex"), dklen, { N: n, r, p, maxmem: 512 << 20 });
  const ciphertext = Buffer.from(crypto.ciphertext, "hex");
  assert.equal(crypto.mac, macOf(derived, ciphertext), "the checksum");
  const cipher = createDecipheriv("aes-128-ctr", derived.subarray(0, 16), Buffer.from(crypto.cipherparams.iv, "hex"));
  return `0x${Buffer.concat([cipher.update(ciphertext), cipher.final()]).toString("hex")}`;
}

/// A key file as geth would write it, with PBKDF2.
function writtenByOthers(secret, password) {
  const [salt, iv] = [Buffer.alloc(32, 7), Buffer.alloc(16, 9)];
  const derived = pbkdf2Sync(password, salt, 4096, 32, "sha256");
  const cipher = createCipheriv("aes-128-ctr", derived.subarray(0, 16), iv);
  const ciphertext = Buffer.concat([cipher.update(Buffer.from(secret.slice(2), "hex")), cipher.final()]);
  return JSON.stringify({
    version: 3,
    id: "00000000-0000-4000-8000-000000000000",
    Crypto: {
      cipher: "aes-128-ctr",
      cipherparams: { iv: iv.toString("hex") },
      ciphertext: ciphertext.toString("hex"),
      kdf: "pbkdf2",
      kdfparams: { c: 4096, dklen: 32, prf: "hmac-sha256", salt: salt.toString("hex") },
      mac: macOf(derived, ciphertext),
    },
  });
}

describe("making key files", () => {
  test("new makes a key that only its owner can read, and says its address", async () => {
    const file = folder.path("new.json");
    const run = await farthing(["keystore", "new", file], { env });
    assertExit(run, 0);
    const said = JSON.parse(run.stdout);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const { crypto } = JSON.parse(await readFile(file, "utf8"));
    assert.deepEqual([crypto.kdfparams.n, crypto.kdfparams.r, crypto.kdfparams.p], [262_144, 8, 1], "geth's cost");
    const opened = await openByHand(file, PASSWORD);
    assert.deepEqual(said, { address: privateKeyToAccount(opened).address, file });
    const leftovers = (await readdir(folder.folder)).filter((name) => name.includes("XXXX") || name.startsWith("."));
    assert.deepEqual(leftovers, []);
  });

  test("import keeps the key it is given, from the environment or from stdin", async () => {
    assert.equal(await openByHand(keyFile, PASSWORD), key);
    assert.equal((await stat(keyFile)).mode & 0o777, 0o600);
    const file = folder.path("stdin.json");
    assertExit(await farthing(["keystore", "import", file, "--light"], { env, input: `${key}\n` }), 0);
    assert.equal(await openByHand(file, PASSWORD), key);
  });

  test("two files of one key share nothing that could be compared", async () => {
    const [one, two] = await Promise.all(
      [keyFile, folder.path("stdin.json")].map(async (file) => JSON.parse(await readFile(file, "utf8")).crypto),
    );
    assert.notEqual(one.kdfparams.salt, two.kdfparams.salt);
    assert.notEqual(one.cipherparams.iv, two.cipherparams.iv);
    assert.notEqual(one.ciphertext, two.ciphertext);
  });

  test("a file that is there is never overwritten", async () => {
    const before = await readFile(keyFile);
    for (const command of ["new", "import"]) {
      const run = await farthing(["keystore", command, keyFile, "--light"], { env: { ...env, FARTHING_KEY: key } });
      assertExit(run, 2);
      assert.match(errorOf(run).detail, /payer\.json: exists already/);
    }
    assert.deepEqual(await readFile(keyFile), before);
  });

  test("address says whose key it is, without a password where the file says so", async () => {
    const run = await farthing(["keystore", "address", keyFile]);
    assertExit(run, 0);
    assert.deepEqual(JSON.parse(run.stdout), { address, file: keyFile });
    const shown = await onTerminal(["keystore", "address", keyFile]);
    assert.equal(shown.stdout.trim(), address);
  });

  test("without a password and without a terminal it says how to give one", async () => {
    // In a session of its own there is no terminal, wherever the test runs.
    const args = ["-w", farthingBinary(), "keystore", "new", folder.path("none.json")];
    const run = await runToEnd({ name: "setsid", command: "setsid", args, env: { FARTHING_PASSWORD: undefined } });
    assertExit(run, 2);
    assert.match(errorOf(run).detail, /no password: set FARTHING_PASSWORD, name a --password-file/);
    assert.ok(!(await readdir(folder.folder)).includes("none.json"));
  });

  test("an empty password is refused", async () => {
    const run = await farthing(["keystore", "new", folder.path("empty.json")], { env: { FARTHING_PASSWORD: "" } });
    assertExit(run, 2);
    assert.match(errorOf(run).detail, /password: expected at least one character/);
  });

  test("a key that is none is refused without repeating it", async () => {
    for (const wrong of ["0x1234", `0x${"0".repeat(64)}`, `0x${"f".repeat(64)}`]) {
      const run = await farthing(["keystore", "import", folder.path("bad.json")], { env, input: wrong });
      assertExit(run, 2);
      assert.match(errorOf(run).detail, /stdin: expected a private key/);
      assert.ok(!run.stderr.includes(wrong.slice(2)), run.stderr);
    }
  });
});

describe("paying from key files", () => {
  test("our own, with the password from the environment or from a file", async () => {
    const passwordFile = await folder.write("password", `${PASSWORD}\n`);
    for (const how of [{ env }, { args: ["--password-file", passwordFile] }]) {
      seller.forget();
      const run = await pay([`${seller.url}/page`, "--keystore", keyFile, ...(how.args ?? [])], { env: how.env });
      assertExit(run, 0);
      assert.equal(decodeHeader(seller.payments()[0]).payload.authorization.from, address);
    }
  });

  test("one that another program wrote, with PBKDF2 and no address", async () => {
    const other = generatePrivateKey();
    const file = await folder.write("others.json", writtenByOthers(other, PASSWORD));
    const said = await farthing(["keystore", "address", file], { env });
    assert.equal(JSON.parse(said.stdout).address, privateKeyToAccount(other).address);
    seller.forget();
    assertExit(await pay([`${seller.url}/page`, "--keystore", file], { env }), 0);
    assert.equal(decodeHeader(seller.payments()[0]).payload.authorization.from, privateKeyToAccount(other).address);
  });
});

describe("key files that are not good", () => {
  const altered = (change) => async () => {
    const content = JSON.parse(await readFile(keyFile, "utf8"));
    change(content);
    return JSON.stringify(content);
  };
  const flip = (hex) => (hex[0] === "0" ? "1" : "0") + hex.slice(1);
  const cases = [
    { name: "the wrong password", password: "Correct horse", exit: 3, says: /wrong password, or the key file was altered/ },
    {
      name: "another ciphertext",
      content: altered(({ crypto }) => (crypto.ciphertext = flip(crypto.ciphertext))),
      exit: 3,
      says: /wrong password, or the key file was altered/,
    },
    {
      name: "another checksum",
      content: altered(({ crypto }) => (crypto.mac = flip(crypto.mac))),
      exit: 3,
      says: /wrong password, or the key file was altered/,
    },
    {
      name: "another initial counter, which the checksum does not cover",
      content: altered(({ crypto }) => (crypto.cipherparams.iv = flip(crypto.cipherparams.iv))),
      exit: 2,
      says: /\.address: the key in this file belongs to 0x/,
    },
    {
      name: "somebody else's address",
      content: altered((file) => (file.address = "11".repeat(20))),
      exit: 2,
      says: /\.address: the key in this file belongs to 0x/,
    },
    {
      name: "a cost that would take all memory",
      content: altered(({ crypto }) => (crypto.kdfparams.n = 2 ** 40)),
      exit: 2,
      says: /\.crypto\.kdfparams\.n/,
    },
    { name: "another cipher", content: altered(({ crypto }) => (crypto.cipher = "rot13")), exit: 2, says: /\.crypto\.cipher: expected "aes-128-ctr"/ },
    { name: "version 1", content: altered((file) => (file.version = 1)), exit: 2, says: /\.version: expected 3/ },
    { name: "a missing member", content: altered(({ crypto }) => delete crypto.mac), exit: 2, says: /\.crypto\.mac: missing/ },
    { name: "half a file", content: async () => (await readFile(keyFile, "utf8")).slice(0, 100), exit: 2, says: /damaged\.json/ },
    { name: "no JSON", content: async () => "a key, honestly", exit: 2, says: /damaged\.json/ },
  ];
  for (const { name, content, password = PASSWORD, exit, says } of cases) {
    test(`${name}: exit ${exit}, and nothing is asked or paid`, async () => {
      seller.forget();
      const file = content ? await folder.write("damaged.json", await content()) : keyFile;
      const run = await pay([`${seller.url}/page`, "--keystore", file], { env: { FARTHING_PASSWORD: password } });
      assertExit(run, exit);
      assert.match(errorOf(run).detail, says);
      assert.match(errorOf(run).detail, /\.json: /, "the file is named");
      assert.deepEqual(seller.seen(), []);
      assert.ok(!run.stderr.includes(password), "the password stays secret");
    });
  }

  test("no file: the message names it", async () => {
    const run = await pay([`${seller.url}/page`, "--keystore", folder.path("nowhere.json")], { env });
    assert.notEqual(run.code, 0);
    assert.match(errorOf(run).detail, /nowhere\.json: No such file/);
  });
});
