// SPDX-License-Identifier: Apache-2.0
// What is said to whoever makes a wallet and its pact, and slips.

import assert from "node:assert/strict";
import { rename } from "node:fs/promises";
import { describe, test } from "node:test";
import { assertExit, errorOf, farthing } from "./lib/pay.mjs";
import { PAY_TO } from "./lib/seller.mjs";
import { said, walletOf } from "./lib/wallet.mjs";

const walletHere = (t, pact) => walletOf(t, undefined, 0n, pact);
function assertSays(run, code, detail) {
  assertExit(run, code);
  assert.match(errorOf(run).detail, detail);
}

describe("a pact that is revoked", () => {
  test("is not signed again; another text is", async (t) => {
    const wallet = await walletHere(t, []);
    said(await wallet.run(["pact", "revoke"]));
    assertSays(await wallet.asOperator(["pact", "sign"]), 3, /pact\.toml is revoked, for ever: move it away, then `farthing pact new`/);
    await rename(wallet.pactFile, `${wallet.pactFile}.old`);
    await wallet.pact(["--days", "3"]);
    assert.equal(said(await wallet.run(["pact", "check"])).good, true);
  });
});

describe("what is there already is not made again", () => {
  test("a pact, a wallet", async (t) => {
    const wallet = await walletHere(t, []);
    const again = await wallet.run(["pact", "new", "--network", "base"]);
    assertSays(again, 2, /pact\.toml: exists already: edit it, then `farthing pact sign`, or choose another --wallet$/);
    assertSays(await wallet.run(["wallet", "init", "--operator", PAY_TO]), 2, /: there is a wallet already: choose another --wallet$/);
  });
});

describe("pact new", () => {
  const cases = [
    [["--limit", "0.05 USDC"], /^--limit has to be in dollars/],
    [["--limit", "$0"], /^--limit: nothing could be paid$/],
    [["--limit", "much"], /^--limit: expected a price/],
    [["--per-request", "$0"], /^--per-request: nothing could be paid$/],
    [["--ask-over", "$0.05"], /^--ask-over: has to be less than --limit \(\$0\.05\)/],
    [["--ask-over", "$1", "--limit", "$0.50"], /^--ask-over: has to be less than --limit \(\$0\.50\)/],
    [["--ask-over", "0.01 USDC"], /^--ask-over has to be in dollars/],
    [["--ask-over", ""], /^--ask-over: must not be empty/],
    [["--network", "base-sepola"], /^--network: unknown network name "base-sepola"; did you mean base-sepolia\?$/],
    [["--network", "somewhere"], /^--network: unknown network name "somewhere"$/],
  ];
  test("names the option that is wrong, and writes no pact", async (t) => {
    const wallet = await walletHere(t);
    for (const [args, detail] of cases) {
      assertSays(await wallet.run(["pact", "new", "--network", "base-sepolia", ...args]), 2, detail);
    }
    assertSays(await wallet.run(["pact", "show"]), 2, /pact\.toml is not there/);
    said(await wallet.run(["pact", "new", "--network", "base-sepolia", "--limit", "0.05", "--ask-over", "$0.049"]));
  });

  test("its help promises nothing else", async () => {
    const { stdout } = await farthing(["pact", "new", "--help"]);
    assert.match(stdout, /at most so many dollars: '\$0\.05'\n/);
  });
});

test("a network that is misspelt is named by pay and discover, too", async () => {
  const near = /^--network: .*; did you mean base-sepolia\?$/;
  assertSays(await farthing(["pay", "http://127.0.0.1:9", "--network", "base-sepoila"]), 2, near);
  assertSays(await farthing(["discover", "weather", "--network", "base-sepoila"]), 2, near);
});

describe("the way on", () => {
  test("of a pact that was altered is to sign it again", async (t) => {
    const wallet = await walletHere(t, []);
    await wallet.alterPact((text) => text.replace('"$0.05"', '"$5"'));
    const again = /altered.*the operator has to sign it again, with `farthing pact sign`$/;
    assertSays(await wallet.run(["pact", "check"]), 3, again);
    assertSays(await wallet.pay("http://127.0.0.1:9"), 3, again);
    assertSays(await wallet.run(["budget"]), 3, again);
  });

  test("of a folder without a wallet is to make one", async (t) => {
    const wallet = await walletHere(t);
    for (const command of [["approvals", "list"], ["ledger", "show"], ["ledger", "verify"]]) {
      assertSays(await farthing([...command, "--wallet", `${wallet.folder}/none`]), 2, /make the wallet with `farthing wallet init`$/);
      assertSays(await wallet.run(command), 2, /ledger\.db: no such file: this wallet has decided nothing yet$/);
    }
    assertSays(await farthing(["approvals", "deny", "1", "--wallet", wallet.folder.replace(/[^/]*$/, "")]), 2, /wallet init/);
  });

  test("of init --import without a key is where to put it", async (t) => {
    const wallet = await walletHere(t);
    const args = ["wallet", "init", "--import", "--operator", PAY_TO, "--wallet", `${wallet.folder}/other`];
    assertSays(await farthing(args, { env: { FARTHING_PASSWORD: "x" } }), 2, /set FARTHING_KEY or give the key on stdin/);
  });

  test("of a head that is none is the option's name", async (t) => {
    const wallet = await walletHere(t, []);
    assertExit(await wallet.run(["budget"]), 0);
    assertSays(await wallet.run(["ledger", "verify", "--head", "abc"]), 2, /^--head: /);
  });
});
