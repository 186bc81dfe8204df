// SPDX-License-Identifier: Apache-2.0
// HTTP without a client that is kinder than an enemy: bytes on a socket, and requests whose path and headers go out as
// they are written.

import http from "node:http";
import net from "node:net";

/// Writes `bytes` to the server at `url` and collects what it says until it closes the connection or `enough(text)`.
/// Returns `{text, closed}`; the connection is closed in any case.
export function talk(url, bytes, { enough = () => false, deadlineMs = 5_000 } = {}) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = net.connect(Number(port), hostname);
    const end = (outcome) => {
      clearTimeout(late);
      socket.destroy();
      outcome();
    };
    const late = setTimeout(
      () => end(() => reject(new Error(`no end of the answer within ${deadlineMs} ms: ${JSON.stringify(text)}`))),
      deadlineMs,
    );
    socket.setEncoding("latin1");
    socket.on("data", (piece) => {
      text += piece;
      if (enough(text)) end(() => resolve({ text, closed: false }));
    });
    // A server that refuses early resets what we still send: its answer is what counts.
    socket.on("error", () => end(() => resolve({ text, closed: true })));
    socket.on("end", () => end(() => resolve({ text, closed: true })));
    socket.write(bytes);
  });
}

/// The status codes of the answers in `text`, in order.
export const statuses = (text) => [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));

/// One request on a connection of its own. `target` goes on the request line as it is written.
/// Returns `{status, headers, rawHeaders, body, text}`.
export async function send(url, { method = "GET", target, headers = {}, body, agent = false } = {}) {
  const { request, answer } = open(url, { method, target, headers, agent });
  request.end(body);
  return collect(await answer);
}

/// A request that is still open. Returns `{request, answer}`; `answer` is the response whose body is still arriving.
export function open(url, { method = "GET", target, headers = {}, agent = false } = {}) {
  const { hostname, port, pathname, search } = new URL(url);
  const path = target ?? pathname + search;
  const request = http.request({ hostname, port, method, path, headers, agent });
  const answer = new Promise((resolve, reject) => {
    request.on("response", resolve);
    request.on("error", reject);
  });
  answer.catch(() => {});
  return { request, answer };
}

/// The rest of an answer.
export async function collect(response) {
  const pieces = [];
  for await (const piece of response) pieces.push(piece);
  const body = Buffer.concat(pieces);
  const { statusCode: status, headers, rawHeaders } = response;
  return { status, headers, rawHeaders, body, text: body.toString() };
}
