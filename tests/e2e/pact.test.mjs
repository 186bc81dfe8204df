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
