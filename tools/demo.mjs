// SPDX-License-Identifier: Apache-2.0
// One paid request from start to end, on a real local chain, told to a person step by step.
// --keep leaves everything up until Ctrl-C and prints the commands to play with.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const farthing = process.env.FARTHING_BIN ?? "build/farthing";
const keep = process.argv.includes("--keep");
const folder = mkdtempSync(join(tmpdir(), "farthing-demo-"));
const children = [];
const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code, text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
const money = (atomic) => `$${(Number(atomic) / 1e6).toFixed(6)}`;
let stopping = false;
const toldToStop = new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => resolve(signal));
});
let step = 0;
let lastTime = performance.now();

/** A heading with the time the step before it took. */
function say(title, ...lines) {
    const took = performance.now() - lastTime;
    step += 1;
    console.log(`\n${paint("1;36", `${step}. ${title}`)} ${paint("2", `(${took.toFixed(0)} ms)`)}`);
    for (const line of lines) console.log(`   ${line}`);
    lastTime = performance.now();
}

/** A child that stopAll() knows of. */
function launch(command, args, env) {
    if (stopping) throw new Error("interrupted");
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    children.push(child);
    return child;
}

/** Starts a program and answers the first line of its stdout, which is JSON. */
function start(command, args, env = {}) {
    const child = launch(command, args, env);
    let errors = "";
    child.stderr.on("data", (text) => { errors = (errors + text).slice(-4000); });
    return new Promise((resolve, reject) => {
        createInterface({ input: child.stdout }).once("line", (line) => {
            try {
                resolve(JSON.parse(line));
            } catch {
                reject(new Error(`${command} ${args[0]} said: ${line}`));
            }
        });
        child.once("error", reject);
        child.once("exit", (code) => reject(new Error(`${command} ${args[0]} ended with ${code}: ${errors}`)));
    });
}

/** Runs a program to its end. */
function run(command, args, env = {}) {
    const child = launch(command, args, env);
    let out = "";
    let errors = "";
    child.stdout.on("data", (text) => { out += text; });
    child.stderr.on("data", (text) => { errors += text; });
    return new Promise((resolve, reject) => {
        child.once("error", reject);
        child.once("close", (code) => resolve({ code, out, errors }));
    });
}

async function stopAll() {
    stopping = true;
    for (const child of children.reverse()) {
        if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) continue;
        const ended = new Promise((resolve) => child.once("exit", resolve));
        child.kill("SIGTERM");
        await ended;
    }
    rmSync(folder, { recursive: true, force: true });
}

async function rpc(url, method, params) {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
    const { result, error } = await answer.json();
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
}

const balanceOf = async (net, account) =>
    BigInt(await rpc(net.rpc, "eth_call",
        [{ to: net.usdc, data: `0x70a08231${account.address.slice(2).toLowerCase().padStart(64, "0")}` }, "latest"]));

async function demo() {
    const net = await start(farthing, ["devnet", "--json", "--port", keep ? "8545" : "0"]);
    const [, payer, operator, , seller] = net.accounts;
    say("A local chain", `eip155:${net.chainId} at ${net.rpc}, USDC at ${net.usdc}`);

    const origin = await start("node", ["examples/paid_hello/origin.mjs", "0"]);
    const config = join(folder, "gateway.toml");
    writeFileSync(config, readFileSync("examples/paid_hello/gateway.toml", "utf8")
        .replace("127.0.0.1:8402", `127.0.0.1:${keep ? 8402 : 0}`)
        .replace("http://127.0.0.1:3000", origin.url)
        .replace("http://127.0.0.1:8545", net.rpc));
    const gateway = await start(farthing, ["gateway", "--config", config], { FARTHING_FACILITATOR_KEY: operator.key });
    const url = `${gateway.url}/weather`;
    say("An API that knows nothing of payments, and the gateway that charges for it",
        `origin   ${origin.url}`, `gateway  ${gateway.url}   GET /weather costs $0.001`);

    const before = { payer: await balanceOf(net, payer), seller: await balanceOf(net, seller) };
    const unpaid = await fetch(url);
    const required = JSON.parse(Buffer.from(unpaid.headers.get("payment-required"), "base64").toString());
    const offer = required.accepts[0];
    say(`GET /weather without paying: ${unpaid.status} ${unpaid.statusText}`,
        `${offer.scheme} on ${offer.network}: ${offer.amount} atomic units (${money(offer.amount)}) of ${offer.asset}`,
        `to ${offer.payTo}, within ${offer.maxTimeoutSeconds} s`);

    const env = { FARTHING_KEY: payer.key };
    const dry = await run(farthing, ["pay", url, "--dry-run"], env);
    if (dry.code !== 0) throw new Error(`farthing pay --dry-run ended with ${dry.code}: ${dry.errors}`);
    say("What the agent decides (farthing pay --dry-run)", ...(dry.out.trim() || dry.errors.trim()).split("\n"));

    const paid = await run(farthing, ["pay", url, "--json", "--max-amount", "$0.01"], env);
    if (paid.code !== 0) throw new Error(`farthing pay ended with ${paid.code}: ${paid.errors}`);
    const result = JSON.parse(paid.out);
    say("The agent signs an EIP-3009 authorisation, sends the request again, and gets the page",
        `signed by    ${result.payer}`, `transaction  ${result.transaction}`, `receipt      ${result.receipt}`,
        `body         ${result.body.trim()}`);

    const receipt = await rpc(net.rpc, "eth_getTransactionReceipt", [result.transaction]);
    const after = { payer: await balanceOf(net, payer), seller: await balanceOf(net, seller) };
    say("On the chain", `status ${receipt.status}, block ${Number(receipt.blockNumber)}, gas ${Number(receipt.gasUsed)}, paid by the operator`,
        `payer   ${money(before.payer)} -> ${money(after.payer)}`, `seller  ${money(before.seller)} -> ${money(after.seller)}`);
    const price = BigInt(offer.amount);
    if (receipt.status !== "0x1" || before.payer - after.payer !== price || after.seller - before.seller !== price) {
        throw new Error("the balances did not move by the price");
    }
    console.log(`\n${paint("1;32", "Paid and delivered.")}`);
    if (!keep) return;
    console.log(`
Everything stays up until Ctrl-C. Try, in another terminal:
  curl -i ${url}
  export FARTHING_KEY=${payer.key}   # a public development key
  build/farthing pay ${url}
  build/farthing pay ${url} --dry-run
  build/farthing pay ${url} --max-amount '$0.0001'   # refused: over the limit
  build/farthing pay -i ${gateway.url}/              # free: nothing is paid`);
    await toldToStop;
}

let code = 0;
try {
    const interrupted = toldToStop.then((signal) => ({ signal }));
    const first = await Promise.race([demo(), interrupted]);
    if (first !== undefined && !keep) {
        console.error(`\nThe demo was interrupted by ${first.signal}.`);
        code = 130;
    }
} catch (error) {
    console.error(`\nThe demo failed: ${error.message}`);
    code = 1;
}
await stopAll();
process.exit(code);
