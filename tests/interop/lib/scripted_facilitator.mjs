// SPDX-License-Identifier: Apache-2.0
// A remote facilitator that answers what the test says: the faults that no real one produces when asked to.

import http from "node:http";
import { NETWORK } from "./chain.mjs";
import { listen } from "./http.mjs";

const SUPPORTED = {
  kinds: [{ x402Version: 2, scheme: "exact", network: NETWORK }],
  extensions: [],
  signers: { "eip155:*": [] },
};

/// An answer is `{status, json}` or `{status, text}`; a list is answered one after the other, its last one for ever.
export async function startScriptedFacilitator() {
  let script = {};
  let bodies = { verify: [], settle: [] };
  const answerTo = (call) => {
    const answers = [script[call]].flat();
    return answers[Math.min(bodies[call].length, answers.length) - 1];
  };

  const server = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const call = request.url.slice(1);
    let answer = { status: 200, json: SUPPORTED };
    if (call !== "supported") {
      bodies[call].push(Buffer.concat(chunks).toString());
      answer = answerTo(call);
    }
    const type = answer.text === undefined ? "application/json" : "text/plain";
    response.writeHead(answer.status, { "content-type": type });
    response.end(answer.text ?? JSON.stringify(answer.json));
  });
  const { url, close } = await listen(server);

  return {
    url,
    close,
    /// Answers by `{verify, settle}` from now on, and forgets what was asked before.
    play(next) {
      script = next;
      bodies = { verify: [], settle: [] };
    },
    /// The request bodies since `play`.
    asked: () => bodies,
  };
}
