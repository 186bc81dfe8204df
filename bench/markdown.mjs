// SPDX-License-Identifier: Apache-2.0
// What was measured, as a Markdown page: the table, how it came about, and where the time goes.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { FARTHING } from "./harness.mjs";
import { versionOf } from "./peers/packages.mjs";
import { PAYERS } from "./stacks.mjs";

const count = (n) => n.toLocaleString("en-US", { maximumFractionDigits: 0 });
const decimal = (n) => (n >= 100 ? count(n) : n.toPrecision(3));
const rate = (n) => `${n >= 100 ? count(n) : decimal(n)}/s`;
const percent = (share) => `${(share * 100).toFixed(0)} %`;
const ms = (n) => `${decimal(n)} ms`;
const us = (n) => `${decimal(n)} µs`;
const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
const met = (yes) => (yes ? "met" : "**short**");
/// How busy the measured core was, and what one answer cost it.
const cost = ({ busy, perSecond }) => `core ${percent(busy)} busy, ${decimal((busy * 1e6) / perSecond)} µs each`;
const latency = ({ p50_ms, p99_ms }) => `p50 ${ms(p50_ms)}, p99 ${ms(p99_ms)}`;

function unpaidRows({ ours, nginx, express, hono }) {
  const name = "unpaid request → 402";
  const own = `${rate(ours.perSecond)} (${latency(ours)}), ${cost(ours)}`;
  const row = (peer, aim = "") => (title) => [
    name,
    own,
    `${title}: ${rate(peer.perSecond)} (${latency(peer)}), ${cost(peer)}`,
    decimal(ours.perSecond / peer.perSecond),
    aim,
  ];
  return [
    row(nginx, `0.8 of nginx: ${met(ours.perSecond >= 0.8 * nginx.perSecond)}`)("nginx, the same 402 static"),
    row(express)("reference Express"),
    row(hono)("reference Hono"),
  ];
}

const verifyAim = ({ perSecond, p99_ms }) => `15,000/s: ${met(perSecond >= 15_000)}; p99 5 ms: ${met(p99_ms < 5)}`;

function verifyRows({ ours, reference }) {
  const row = (name, mine, theirs, aim) => [
    name,
    `${rate(mine.perSecond)} (${latency(mine)}), ${cost(mine)}`,
    `reference facilitator: ${rate(theirs.perSecond)} (${latency(theirs)}), ${cost(theirs)}`,
    decimal(mine.perSecond / theirs.perSecond),
    aim,
  ];
  return [
    row("/verify, warm: asked about before", ours.warm, reference.warm, verifyAim(ours.warm)),
    row("/verify, known payers, every payment new", ours.fresh, reference.cold, verifyAim(ours.fresh)),
    row("/verify, cold: every payment new, the chain asked", ours.cold, reference.cold, ""),
  ];
}

const failed = ({ sent, ok, failures }) =>
  sent === ok
    ? "no failure"
    : `${count(sent - ok)} failures (${Object.entries(failures)
        .sort((a, b) => b[1] - a[1])
        .map(([reason, n]) => `${count(n)} × \`${reason.replaceAll("|", "/").replaceAll("`", "'").replace(/\s+/g, " ")}\``)
        .join(", ")})`;

function paidRows({ ours, reference }) {
  const outcome = (side) =>
    `${rate(side.perSecond)} (${latency(side)}), ${count(side.ok)} of ${count(side.sent)} paid, ${failed(side)}, ` +
    `${count(side.moved)} moved on the chain, ${cost(side)}`;
  const ratio = ours.perSecond / reference.perSecond;
  const none = (side) => `no failure: ${met(side.sent === side.ok && side.moved === side.ok)}`;
  const aim = `${none(ours)}; 40 times: ${met(ratio >= 40)}`;
  return [
    [`paid requests, ${PAYERS} payers at once`, outcome(ours), `Express + facilitator: ${outcome(reference)}`, decimal(ratio), aim],
    ...ours.growth.map((each) => [`paid requests, ${each.connections} at once`, outcome(each), "", "", none(each)]),
    [
      "peak resident memory meanwhile",
      `${decimal(ours.memory)} MiB`,
      `Express + facilitator: ${decimal(reference.memory)} MiB`,
      decimal(ours.memory / reference.memory),
      `under 64 MiB: ${met(ours.memory < 64)}`,
    ],
  ];
}

function microRows({ ours, reference }) {
  const row = (name, key, peer) => [
    name,
    us(ours[key]),
    `${peer}: ${us(reference[key])}`,
    decimal(reference[key] / ours[key]),
    "",
  ];
  return [
    row("verification, CPU alone (open + judge)", "verify_us", "viem recoverTypedDataAddress"),
    row("authorisation signed (authorize + sign)", "sign_us", "viem signTypedData"),
    row("payment header read", "parse_us", "@x402/core decodePaymentSignatureHeader"),
    row("402 rendered (nothing remembered)", "render_us", "@x402/core encodePaymentRequiredHeader"),
    [
      "decision under a pact of 50 limits, 10^6 payments counted",
      us(ours.decide_us),
      "the reference has none",
      "",
      `50 µs: ${met(ours.decide_us < 50)}`,
    ],
  ];
}

function startRows({ ours, reference, bytes }) {
  return [
    ["start to first answer", ms(ours), `reference Express: ${ms(reference)}`, decimal(reference / ours), `100 ms: ${met(ours <= 100)}`],
    ["program on disk", mib(bytes.ours), `node alone: ${mib(bytes.node)}`, decimal(bytes.ours / bytes.node), ""],
  ];
}

function daemonRows({ free, paid, paidInMemory }) {
  const row = (what, { direct, through, added, sync }) => [
    `${what} through the wallet's daemon`,
    `${ms(through)}: ${ms(added)} added`,
    `without it: ${ms(direct)}${sync === undefined ? "" : `; one sync of this disk: ${ms(sync)}`}`,
    "",
    `1 ms added: ${met(added <= 1)}`,
  ];
  return [
    row("a free request", free),
    row("a paid request", paid),
    row("a paid request, the ledger in memory,", paidInMemory),
  ];
}

function gasRows(rows) {
  return rows.map(({ size, onePayer, alone, each, multicall3 }) => [
    `gas of a payment, ${size} of ${onePayer ? "one payer" : "as many payers"} in a batch`,
    count(each),
    `alone: ${count(alone)}; Multicall3: ${count(multicall3)}`,
    decimal(each / alone),
    size === 50 ? `0.6 of one alone: ${met(each <= 0.6 * alone)}` : "",
  ]);
}

const loadOf = (load) => `${rate(load.perSecond)} (${latency(load)}), ${decimal(load.cpu_us)} µs each`;

function storeRows(all) {
  return all.flatMap(({ kind, atOnce, begun, paid }) => {
    const aim = kind === "SQLite" && atOnce >= 64 ? `5,000/s: ${met(begun.perSecond >= 5_000)}` : "";
    return [
      [`durable intents, ${kind}, ${atOnce} at once`, loadOf(begun), "", "", aim],
      [`payments from begun to told, ${kind}, ${atOnce} at once`, loadOf(paid), "", "", ""],
    ];
  });
}

function growthRows(all) {
  return all.map(({ kind, size, begun, paid, found, adopt_ms, unheard_ms, forgotten, forget_s }) => [
    `${kind} with ${count(size)} ended payments, 64 at once`,
    [
      `intents ${loadOf(begun)}`,
      `payments ${loadOf(paid)}`,
      `found ${loadOf(found)}`,
      `100 adopted in ${ms(adopt_ms)}`,
      `unheard in ${ms(unheard_ms)}`,
      ...(forgotten ? [`compacted ${rate(forgotten / forget_s)}`] : []),
    ].join("; "),
    "",
    "",
    "",
  ]);
}

function memoryRows(minutes) {
  return minutes.map((each) => [
    `a gateway paid by ${PAYERS} at once, minute ${each.minute}`,
    `${decimal(each.memory)} MiB resident; ${rate(each.perSecond)} (${latency(each)}), ${failed(each)}`,
    "",
    "",
    "",
  ]);
}

const ROWS = { memory: memoryRows, unpaid: unpaidRows, verify: verifyRows, paid: paidRows, micro: microRows, start: startRows, gas: gasRows, store: storeRows, daemon: daemonRows, rows: growthRows };

const line = (cells) => `| ${cells.join(" | ")} |`;

function table(results) {
  const rows = Object.entries(ROWS).flatMap(([name, make]) => (results[name] ? make(results[name]) : []));
  if (rows.length === 0) return "";
  return [line(["what", "Farthing", "beside it", "ratio", "aim"]), "|---|---|---|---|---|", ...rows.map(line)].join("\n");
}

function profileOf(title, profile) {
  if (!profile) return `### ${title}\n\nperf does not run on this machine.\n`;
  const libraries = profile.libraries
    .filter(({ percent: share }) => share >= 1)
    .map(({ percent: share, library }) => `${library} ${share.toFixed(0)} %`);
  const functions = profile.functions.map(({ percent: share, symbol, library }) =>
    line([`${share.toFixed(1)} %`, `\`${symbol.slice(0, 90)}\``, library]),
  );
  return `### ${title}\n\nBy library: ${libraries.join(", ")}.\n\n| share | function | in |\n|---|---|---|\n${functions.join("\n")}\n`;
}

function profiles({ unpaid, verify, paid }) {
  const parts = [];
  if (unpaid) parts.push(profileOf("402", unpaid.ours.profile));
  if (verify) parts.push(profileOf("/verify, warm", verify.ours.profile));
  if (paid) parts.push(profileOf("Paid requests", paid.ours.profile));
  if (parts.length === 0) return "";
  return `\n## Where our time goes\n\nSamples of the process on its core while the row's load runs (perf, cpu-clock).\n\n${parts.join("\n")}`;
}

const said = (command, args) => execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

function firstLine(command, args) {
  try {
    return said(command, args).split("\n")[0].trim();
  } catch (error) {
    // wrk prints its version and ends with 1; nginx prints it on stderr.
    return `${error.stdout ?? ""}`.split("\n")[0].trim();
  }
}

/// What it runs on and how busy that was beforehand.
export function machine() {
  return {
    date: new Date().toISOString().slice(0, 16).replace("T", " "),
    cpu: `${cpus()[0].model} × ${cpus().length}`,
    kernel: firstLine("uname", ["-sr"]),
    memory: readFileSync("/proc/meminfo", "utf8").match(/MemTotal:\s+(\d+) kB/)[1] / 2 ** 20,
    load: loadavg()[0],
    commit: firstLine("git", ["describe", "--always", "--dirty"]),
  };
}

function versions() {
  const packages = ["@x402/core", "@x402/express", "@x402/hono", "express", "hono", "viem", "@foundry-rs/anvil-linux-amd64"];
  const nginx = firstLine("dpkg-query", ["-W", "-f", "${Version}", "nginx"]);
  const wrk = firstLine("dpkg-query", ["-W", "-f", "${Version}", "wrk"]);
  return [
    firstLine(FARTHING, ["--version"]).replace(/^/, "farthing "),
    `nginx ${nginx}`,
    `wrk ${wrk}`,
    `node ${process.version}`,
    ...packages.map((name) => `${name} ${versionOf(name)}`),
  ].join(", ");
}

function growthOf(growth) {
  if (!growth) return "";
  const cells = ({ warm, fresh }) => [warm, fresh].flatMap((each) => [rate(each.perSecond), ms(each.p50_ms), ms(each.p99_ms), us((each.busy * 1e6) / each.perSecond)]);
  const head = (first) => [
    line([first, "asked before", "p50", "p99", "CPU", "new payments", "p50", "p99", "CPU"]),
    "|---|---|---|---|---|---|---|---|---|",
  ];
  return `## How /verify grows

The same payments again, and new ones of known payers (see below). With more payments than are remembered (8,192) signatures
are worked out again.

${head("connections, 1,000 payers")
  .concat(growth.connections.map((each) => line([count(each.connections), ...cells(each)])))
  .join("\n")}

${head(`payers, ${PAYERS} connections`)
  .concat(growth.payers.map((each) => line([count(each.payers), ...cells(each)])))
  .join("\n")}

`;
}

const NOTES = `## How

* What is measured has core 0 for itself (\`taskset -c 0\`), all its processes together; load generators, the chain and
  our gateway's origin share the other cores. Everything is on loopback, one contestant under load at a time.
* "µs each" is the CPU time one answer took on that core, which other work on the machine hardly changes.
* 402: \`wrk -t1 -c64 -d1s\` five times each in turn after a warm-up, the median. nginx is one process with access log
  and keep-alive limit off, and sends our status, PAYMENT-REQUIRED, Cache-Control and body, byte for byte.
* /verify warm: \`wrk -t1 -c64 -d5s -s bench/verify.lua\` with 1,000 different signed payments, each verified once before;
  every answer is checked for \`"isValid":true\`. Our facilitator remembers what the chain said for two seconds unless told
  otherwise: here \`staleness_max\` and \`recheck_after\` are ten minutes. It also remembers who made a signature, so that it is recovered once for
  \`/verify\` and \`/settle\` together; time and amounts are checked each time. The reference remembers nothing.
* /verify, known payers: every payment sent once, \`validAfter\` no earlier than the first sight of its payer, so that nothing is
  asked of the chain, and every signature is recovered.
* /verify cold and paid requests: \`bench_load_requests\`, ${PAYERS} connections, every payment sent once, signed beforehand
  (\`bench_sign_payments\`) by ${PAYERS} funded accounts. Both sides look for receipts every 25 ms. Each side of the paid row
  has a fresh chain, and what moved there is counted afterwards. Latencies are those of successes.
* Ratios are ours to theirs, in our favour when above 1; for memory, program size and gas, when below.
* The wallet's daemon: medians of requests one after the other on kept connections, through its local proxy and straight to the
  seller, by turns. Paid: a seller that answers at once with a receipt, so that what is added is the daemon's own: offer read, decision,
  signature and two syncs of the disk, of which one, with decision and signature, is before the payment leaves; without it the same two requests with a payment signed beforehand.
* Start: median of nine starts (three for the reference) from spawn to the whole 402, with the chain checked in between.
* Steps by themselves: CPU time, best of five rounds of 0.3 s, one process each.
* Gas: \`gasUsed\` of what the facilitator sent on a chain of its own, one payment alone and then so many in one
  transaction through our batch contract and through Multicall3, to a payee who has some money already. No payer spends all
  that he has. The token reads and writes what USDC does, behind a proxy as USDC is (contracts/README.md).
* Stores: \`bench_store\`, by itself. An intent is one insert with a body of 1,200 bytes, durable before anything is sent;
  a payment is four writes one after the other, each durable: begun, broadcast, settled, told. The SQLite file is beside the
  program, PostgreSQL has its data in the temporary folder and its processes on the other cores; both sync the disk.
  "µs each" is the program's own CPU time. How they grow: \`./run bench rows\`.
`;

/// The page: `results` by row, `on` from machine().
export function markdown(results, on) {
  return `# Speed

${on.date} UTC, ${on.cpu}, ${on.memory.toFixed(0)} GiB, ${on.kernel}, load ${on.load.toFixed(2)} before the start, commit ${on.commit}.
${versions()}. Made by \`./run bench\`.

${table(results)}

${growthOf(results.growth)}${NOTES}${profiles(results)}`;
}
