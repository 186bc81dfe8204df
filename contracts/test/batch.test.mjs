// SPDX-License-Identifier: Apache-2.0
// Batch: many payments in one transaction, each with its own limit of gas.
import assert from 'node:assert/strict'
import test from 'node:test'
import { concat, encodeFunctionData, getContractAddress, numberToHex, pad, parseEventLogs, parseSignature } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import * as chainModule from './chain.mjs'

const { abis, accounts, artifact, authorizationTypes, kCreate2Deployer, kGenesisTime } = chainModule
const { kUsdc, owner, usdcDomain, withChain } = chainModule
const [relayer] = accounts
const payee = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C'
const kCap = 80_000n
// INVALID burns whatever it is given, whatever it is asked.
const kBurner = '0xfe'
const batch = artifact('Batch')
const address = getContractAddress({ opcode: 'CREATE2', from: kCreate2Deployer, salt: pad('0x00'), bytecode: batch.bytecode })

const withBatch = (body) =>
  withChain(async (chain) => {
    const { status } = await chain.sendData(owner, kCreate2Deployer, concat([pad('0x00'), batch.bytecode]))
    assert.equal(status, 'success')
    await body(chain)
  })

async function payment(chain, changes = {}, domain = usdcDomain) {
  const payer = privateKeyToAccount(generatePrivateKey())
  await chain.mint(payer.address, 10_000n)
  const times = { validAfter: BigInt(kGenesisTime - 600), validBefore: BigInt(kGenesisTime + 3600) }
  const message = { from: payer.address, to: payee, value: 1_000n, ...times, nonce: generatePrivateKey(), ...changes }
  const signature = await payer.signTypedData({
    domain,
    types: authorizationTypes,
    primaryType: 'TransferWithAuthorization',
    message,
  })
  return { ...message, ...parseSignature(signature), token: kUsdc, cap: kCap }
}

const table = (entries) => concat([numberToHex(entries.length, { size: 1 }), ...entries])
const unique = (entries) => [...new Set(entries)]

function pack(payments) {
  const tokens = unique(payments.map(({ token }) => token))
  const payees = unique(payments.map(({ to }) => to))
  const record = (p) =>
    concat([
      numberToHex(tokens.indexOf(p.token), { size: 1 }),
      numberToHex(payees.indexOf(p.to), { size: 1 }),
      numberToHex(p.v, { size: 1 }),
      numberToHex(p.cap, { size: 3 }),
      numberToHex(p.value, { size: 12 }),
      numberToHex(p.validAfter, { size: 5 }),
      numberToHex(p.validBefore, { size: 5 }),
      p.from,
      p.nonce,
      p.r,
      p.s,
    ])
  return concat([table(tokens), table(payees), ...payments.map(record)])
}

async function say(chain, packed, gas = 5_000_000n) {
  const data = encodeFunctionData({ abi: batch.abi, functionName: 'transferAll', args: [packed] })
  const { result } = await chain.client.simulateContract({
    address,
    abi: batch.abi,
    functionName: 'transferAll',
    args: [packed],
    account: relayer,
    gas,
  })
  const hash = await chain.client.sendTransaction({ account: relayer, to: address, data, gas })
  const receipt = await chain.client.waitForTransactionReceipt({ hash })
  const paid = parseEventLogs({ abi: abis.usdc, logs: receipt.logs, eventName: 'Transfer' })
  return { receipt, tried: result[0], done: result[1], paid: paid.map(({ args }) => args) }
}

const refusal = (chain, packed) => chain.refusal(relayer, address, batch.abi, 'transferAll', [packed])

test('batch: pays many payers, payees and amounts in their order', () =>
  withBatch(async (chain) => {
    const payments = []
    for (let i = 0; i < 5; i++) {
      payments.push(await payment(chain, { to: i % 2 ? payee : accounts[i].address, value: 1_000n + BigInt(i) }))
    }
    const { receipt, tried, done, paid } = await say(chain, pack(payments))
    assert.equal(receipt.status, 'success')
    assert.deepEqual([tried, done], [5n, 0b11111n])
    assert.deepEqual(
      paid.map(({ from, to, value }) => ({ from, to, value })),
      payments.map(({ from, to, value }) => ({ from, to, value })),
    )
    const used = parseEventLogs({ abi: abis.usdc, logs: receipt.logs, eventName: 'AuthorizationUsed' })
    assert.deepEqual(used.map(({ args }) => args.nonce), payments.map(({ nonce }) => nonce))
  }))

test('batch: holds the largest numbers of its fields', () =>
  withBatch(async (chain) => {
    const value = 2n ** 96n - 1n
    const largest = await payment(chain, { value, validBefore: 2n ** 40n - 1n })
    await chain.mint(largest.from, value - 10_000n)
    const { paid } = await say(chain, pack([largest]))
    assert.equal(paid[0].value, value)
  }))

test('batch: one that fails takes nobody with it', () =>
  withBatch(async (chain) => {
    const payments = [await payment(chain), await payment(chain, { value: 10_001n }), await payment(chain)]
    const { tried, done, paid } = await say(chain, pack(payments))
    assert.deepEqual([tried, done], [3n, 0b101n])
    assert.deepEqual(paid.map(({ from }) => from), [payments[0].from, payments[2].from])
    // The same again: all have been used, nothing moves.
    const again = await say(chain, pack(payments))
    assert.deepEqual([again.receipt.status, again.done, again.paid.length], ['success', 0n, 0])
  }))

test('batch: who burns all gas burns no more than the limit of his payment', () =>
  withBatch(async (chain) => {
    const payments = [await payment(chain), await payment(chain), await payment(chain)]
    const { receipt: good } = await say(chain, pack(payments))
    const more = [await payment(chain), await payment(chain), await payment(chain)]
    await chain.client.setCode({ address: more[1].from, bytecode: kBurner })
    const { receipt, done, paid } = await say(chain, pack(more))
    assert.equal(done, 0b101n)
    assert.deepEqual(paid.map(({ from }) => from), [more[0].from, more[2].from])
    assert.ok(receipt.gasUsed <= good.gasUsed + kCap, `${receipt.gasUsed} after ${good.gasUsed}`)
  }))

test('batch: what a token returns costs the batch nothing', () =>
  withBatch(async (chain) => {
    // Returns as many bytes as its gas allows: `RETURN(0, 0x3000)`.
    const bomb = '0x00000000000000000000000000000000000b0b00'
    await chain.client.setCode({ address: bomb, bytecode: '0x6130005ff3' })
    await chain.mint(payee, 1n)
    const payments = [{ ...(await payment(chain)), token: bomb, cap: 20_000n }, await payment(chain)]
    const { receipt, done, paid } = await say(chain, pack(payments))
    assert.deepEqual([done, paid.length], [0b11n, 1])
    const alone = await say(chain, pack([await payment(chain)]))
    assert.ok(receipt.gasUsed - alone.receipt.gasUsed < 8_000n, `${receipt.gasUsed} beside ${alone.receipt.gasUsed}`)
  }))

test('batch: without the gas for a payment it ends before it, whatever is sent along', () =>
  withBatch(async (chain) => {
    const payments = []
    for (let i = 0; i < 4; i++) payments.push(await payment(chain))
    const seen = new Set()
    for (let gas = 60_000n; gas < 420_000n; gas += 8_111n) {
      const snapshot = await chain.client.snapshot()
      const data = encodeFunctionData({ abi: batch.abi, functionName: 'transferAll', args: [pack(payments)] })
      const hash = await chain.client.sendTransaction({ account: relayer, to: address, data, gas })
      const receipt = await chain.client.waitForTransactionReceipt({ hash })
      const paid = parseEventLogs({ abi: abis.usdc, logs: receipt.logs, eventName: 'Transfer' })
      assert.equal(receipt.status, 'success', `${gas}`)
      // The first ones, and none of them was called with too little: no call failed.
      assert.deepEqual(paid.map(({ args }) => args.from), payments.slice(0, paid.length).map(({ from }) => from))
      const trace = await chain.client.request({ method: 'debug_traceTransaction', params: [hash, { tracer: 'callTracer' }] })
      assert.equal((trace.calls ?? []).length, paid.length, `${gas}`)
      assert.ok((trace.calls ?? []).every((call) => BigInt(call.gas) === kCap), JSON.stringify(trace.calls?.map((c) => c.gas)))
      seen.add(paid.length)
      await chain.client.revert({ id: snapshot })
    }
    assert.deepEqual([...seen].sort(), [0, 1, 2, 3, 4])
  }))

test('batch: takes nothing that is not whole, and no ether', () =>
  withBatch(async (chain) => {
    const good = pack([await payment(chain)])
    const kNot = 'Batch: not packed as it should be'
    assert.equal(await refusal(chain, good), undefined)
    for (const bad of [`${good}00`, good.slice(0, -2), '0x01', '0xff', '0x00ff', `0x00${'00'.repeat(100)}`]) {
      assert.equal(await refusal(chain, bad), kNot, bad)
    }
    for (const empty of ['0x0000', '0x']) {
      const reason = await refusal(chain, empty)
      assert.equal(reason, empty === '0x' ? kNot : undefined)
    }
    const data = encodeFunctionData({ abi: batch.abi, functionName: 'transferAll', args: [good] })
    await assert.rejects(chain.client.call({ account: relayer.address, to: address, data, value: 1n }))
  }))

test('batch: is at its one address, and holds nothing', () =>
  withBatch(async (chain) => {
    const code = await chain.client.getCode({ address })
    assert.equal(code, batch.deployedBytecode)
    // No SSTORE (0x55), SELFDESTRUCT (0xff), DELEGATECALL (0xf4), CREATE (0xf0, 0xf5): nothing to keep, nothing to change.
    const kForbidden = new Set([0x55, 0x5d, 0xf0, 0xf2, 0xf4, 0xf5, 0xff])
    const bytes = Buffer.from(code.slice(2), 'hex')
    const found = []
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i] >= 0x60 && bytes[i] <= 0x7f) i += bytes[i] - 0x5f
      else if (kForbidden.has(bytes[i])) found.push([i, bytes[i]])
    }
    assert.deepEqual(found, [])
  }))
