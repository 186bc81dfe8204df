// SPDX-License-Identifier: Apache-2.0
// `farthing pay` on a terminal: whatever a seller writes into an offer, a refusal or a header is shown, never obeyed.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { generatePrivateKey } from "../interop/lib/packages.mjs";
import { assertExit, errorOf, onTerminal, pay } from "./lib/pay.mjs";
import { ask, deliver, offer, startSeller } from "./lib/seller.mjs";

const key = generatePrivateKey();
/// A title, a cleared screen, CSI as one character, DEL, turned and hidden text, new lines.
const HOSTILE = "A\u001b]0;PWNED\u0007\u001b[2J\u009b2J\u007f\u202eB\u2066C\u200fD\u2028E\u2029F\u200bG\ufeffH\nI\rJ";
const SHOWN = "A?]0;PWNED??[2J?2J??B?C?D?E?F?G?H?I?J";
/// All that must not reach a terminal; its own line ends are "\r\n".
const OBEYED = /[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffd]|\r(?!\n)|(?<!\r)\n/;

let seller;
before(async () => {
  // Node writes header values as Latin-1: a byte CSI, and CSI as UTF-8.
  const headers = { "x-byte": "a\u009b2Jb", "x-utf8": "a\u00c2\u009b2Jb" };
  seller = await startSeller({
    "/refuses": (_request, response, { payment }) => ask(response, [offer()], payment ? HOSTILE : "Payment required"),
    "/offers": (_request, response) =>
      ask(response, [
        offer({ scheme: HOSTILE }),
        offer({ network: `eip155:${HOSTILE}` }),
        offer({ asset: HOSTILE }),
        offer({ payTo: HOSTILE }),
        offer({ extra: { name: HOSTILE, version: HOSTILE } }),
        offer({ amount: HOSTILE }),
      ]),
    "/headers": (_request, response, { payment }) =>
      payment ? deliver(response, payment, "the goods\n", headers) : ask(response),
    "/body": (_request, response, { payment }) => (payment ? deliver(response, payment, HOSTILE) : ask(response)),
  });
});
after(() => seller?.close());

async function shown(path, ...args) {
  const run = await onTerminal(["pay", seller.url + path, ...args], { env: { FARTHING_KEY: key } });
  assert.doesNotMatch(run.stdout, OBEYED);
  return run;
}

describe("on a terminal", { concurrency: true }, () => {
  test("a refusal is one harmless line", async () => {
    const run = await shown("/refuses");
    assertExit(run, 3);
    assert.equal(run.stdout, `farthing: payment_rejected: ${SHOWN}\r\n`);
  });

  test("so are the refused offers, in the error, with -v and with --dry-run", async () => {
    for (const args of [[], ["-v"], ["--dry-run"], ["--dry-run", "-v"]]) {
      const run = await shown("/offers", ...args);
      assertExit(run, 3);
      assert.ok(run.stdout.includes(`scheme "${SHOWN}"`), run.stdout);
    }
  });

  test("so are header values with -v", async () => {
    const run = await shown("/headers", "-v");
    assertExit(run, 0);
    assert.match(run.stdout, /< x-byte: a\?2Jb\r\n/i);
    assert.match(run.stdout, /< x-utf8: a\?2Jb\r\n/i);
  });
});

describe("in a pipe", { concurrency: true }, () => {
  test("the body is what the seller sent, byte for byte", async () => {
    const run = await pay([`${seller.url}/body`], { key });
    assertExit(run, 0);
    assert.equal(run.stdout, HOSTILE);
  });

  test("the error is one line of JSON", async () => {
    const run = await pay([`${seller.url}/refuses`], { key });
    assertExit(run, 3);
    assert.equal(errorOf(run).code, "payment_rejected");
  });
});
