// SPDX-License-Identifier: Apache-2.0
// The artifacts come from the sources, sit at their addresses, and the small contracts do what their sources say.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { concat, encodeFunctionData, getContractAddress, numberToHex, parseEther, parseEventLogs, parseSignature } from 'viem'
import * as chainModule from './chain.mjs'

const { abis, accounts, artifact, kCreate2Deployer, kGenesisTime, kMulticall3, kPermit2, kUsdc, owner } = chainModule
const { authorizationTypes, usdcDomain, withChain } = chainModule
const [payer, relayer] = accounts
const payee = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C'
const kZeroSalt = `0x${'00'.repeat(32)}`
const root = fileURLToPath(new URL('..', import.meta.url))

const terms = (from, value) => ({
  from,
  to: payee,
  value,
  validAfter: 0n,
  validBefore: BigInt(kGenesisTime + 3600),
  nonce: numberToHex(1, { size: 32 }),
})
const list = (t) => [t.from, t.to, t.value, t.validAfter, t.validBefore, t.nonce]
const sign = (signer, message, domain = usdcDomain) =>
  signer.signTypedData({ domain, types: authorizationTypes, primaryType: 'TransferWithAuthorization', message })
const transferCall = (args) => ({ abi: abis.usdc, functionName: 'transferWithAuthorization', args })

// ---- Artifacts

const compile = (folder, ...args) => spawnSync(process.execPath, ['compile.mjs', ...args], { cwd: folder, encoding: 'utf8' })

test('artifacts: the committed ones agree with the sources', () => {
  const result = compile(root, '--check')
  assert.equal(result.status, 0, result.stderr)
})

test('artifacts: the check names the one that does not agree', () => {
  const copy = mkdtempSync(join(tmpdir(), 'farthing-contracts-'))
  try {
    for (const part of ['src', 'artifacts', 'compile.mjs', 'package.json']) {
      cpSync(join(root, part), join(copy, part), { recursive: true })
    }
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
    const source = join(copy, 'src/DevUsdc.sol')
    writeFileSync(source, readFileSync(source, 'utf8').replace('decimals = 6', 'decimals = 7'))
    rmSync(join(copy, 'artifacts/Multicall3.json'))
    const result = compile(copy, '--check')
    assert.equal(result.status, 1)
    assert.match(result.stderr, /DevUsdc\.json: bytecode, deployedBytecode, sourceHash differs/)
    assert.match(result.stderr, /Multicall3\.json: missing/)
    assert.doesNotMatch(result.stderr, /DevPermit2/)
  } finally {
    rmSync(copy, { recursive: true })
  }
})

// ---- Addresses and domains

test('devnet: the contracts answer at their addresses with the domains of protocol.md 15.1', () =>
  withChain(async (chain) => {
    const usdc = await chain.read(kUsdc, abis.usdc, 'DOMAIN_SEPARATOR')
    assert.equal(usdc, '0x71f17a3b2ff373b803d70a5a07c046c1a2bc8e89c09ef722fcb047abe94c9818')
    const permit2 = await chain.read(kPermit2, abis.permit2, 'DOMAIN_SEPARATOR')
    assert.equal(permit2, '0x010f27a92fb9a32622f44f001dc4d15706a85b33499cfc2ce9033113ab26592c')
    assert.equal(await chain.read(kMulticall3, abis.multicall3, 'getChainId'), 84532n)
    assert.equal(await chain.read(kUsdc, abis.usdc, 'name'), 'USDC')
    assert.equal(await chain.read(kUsdc, abis.usdc, 'version'), '2')
    assert.equal(await chain.read(kUsdc, abis.usdc, 'decimals'), 6)
    assert.equal(await chain.read(kUsdc, abis.usdc, 'owner'), owner.address)
  }))

test('devnet: the CREATE2 deployer is there and puts the wallet factory where README.md says', () =>
  withChain(async (chain) => {
    const { bytecode, deployedBytecode } = artifact('DevWalletFactory')
    const expected = getContractAddress({ opcode: 'CREATE2', from: kCreate2Deployer, salt: kZeroSalt, bytecode })
    assert.ok(readFileSync(join(root, 'README.md'), 'utf8').includes(expected), `README.md should name ${expected}`)
    const receipt = await chain.sendData(owner, kCreate2Deployer, concat([kZeroSalt, bytecode]))
    assert.equal(receipt.status, 'success')
    assert.equal(await chain.client.getCode({ address: expected }), deployedBytecode)
  }))

// ---- Multicall3

test('multicall3: aggregate3 reports the call that fails and keeps the others', () =>
  withChain(async (chain) => {
    await chain.mint(payer.address, 42n)
    const read = (functionName, args) => encodeFunctionData({ abi: abis.usdc, functionName, args })
    const good = { target: kUsdc, allowFailure: true, callData: read('balanceOf', [payer.address]) }
    const bad = { target: kUsdc, allowFailure: true, callData: read('transfer', [payee, 1n]) }
    const results = await chain.read(kMulticall3, abis.multicall3, 'aggregate3', [[bad, good]])
    assert.deepEqual(results.map((r) => r.success), [false, true])
    assert.equal(BigInt(results[1].returnData), 42n)
    assert.ok(results[0].returnData.startsWith('0x08c379a0'), 'the revert reason is passed on')
    const strict = [[{ ...bad, allowFailure: false }, good]]
    const why = await chain.refusal(relayer, kMulticall3, abis.multicall3, 'aggregate3', strict)
    assert.equal(why, 'Multicall3: call failed')
    const two = [bad, good].map(({ target, callData }) => ({ target, callData }))
    const tried = await chain.read(kMulticall3, abis.multicall3, 'tryAggregate', [false, two])
    assert.deepEqual(tried, results)
    for (const [name, args] of [['tryAggregate', [true, two]], ['aggregate', [two]], ['blockAndAggregate', [two]]]) {
      assert.equal(await chain.refusal(relayer, kMulticall3, abis.multicall3, name, args), 'Multicall3: call failed')
    }
    const [block, , blockResults] = await chain.read(kMulticall3, abis.multicall3, 'tryBlockAndAggregate', [false, two])
    assert.deepEqual(blockResults, results)
    assert.equal(block, await chain.read(kMulticall3, abis.multicall3, 'getBlockNumber'))
  }))

test('multicall3: aggregate3Value hands on exactly the ether it was given', () =>
  withChain(async (chain) => {
    const pay = (value) => ({ target: payee, allowFailure: false, value, callData: '0x' })
    const calls = [pay(1n), pay(2n)]
    const call = { address: kMulticall3, abi: abis.multicall3, functionName: 'aggregate3Value', args: [calls] }
    await assert.rejects(chain.client.simulateContract({ account: relayer, ...call, value: 4n }), /value mismatch/)
    const hash = await chain.client.writeContract({ account: relayer, ...call, value: 3n })
    assert.equal((await chain.client.waitForTransactionReceipt({ hash })).status, 'success')
    assert.equal(await chain.client.getBalance({ address: payee }), 3n)
  }))

// ---- Wallets

async function installFactory(chain) {
  const address = '0x00000000000000000000000000000000000f4c70'
  await chain.client.setCode({ address, bytecode: artifact('DevWalletFactory').deployedBytecode })
  const wallet = await chain.read(address, abis.factory, 'getAddress', [payer.address, kZeroSalt])
  return { factory: address, wallet }
}

test('wallet: an ERC-1271 payer pays with either signature form, and refuses when told to', () =>
  withChain(async (chain) => {
    const { factory, wallet } = await installFactory(chain)
    await chain.must(relayer, factory, abis.factory, 'deploy', [payer.address, kZeroSalt])
    await chain.mint(wallet, 10_000n)
    const t = terms(wallet, 10_000n)
    const signature = await sign(payer, t)
    const { r, s, v } = parseSignature(signature)
    const forms = [[...list(t), Number(v), r, s], [...list(t), signature], [...list(t), `${signature}abcdef`]]
    const why = (args) => chain.refusal(relayer, kUsdc, abis.usdc, 'transferWithAuthorization', args)
    for (const args of forms) assert.equal(await why(args), undefined)
    for (const mode of [1, 2]) {
      await chain.must(payer, wallet, abis.wallet, 'setMode', [mode])
      for (const args of forms) assert.equal(await why(args), 'FiatTokenV2: invalid signature')
    }
    assert.equal(
      await chain.refusal(relayer, wallet, abis.wallet, 'setMode', [0]),
      'DevWallet: caller is not the owner',
    )
    await chain.must(payer, wallet, abis.wallet, 'setMode', [0])
    assert.equal(await why([...list(t), await sign(relayer, t)]), 'FiatTokenV2: invalid signature')
    await chain.must(relayer, kUsdc, abis.usdc, 'transferWithAuthorization', forms[2])
    assert.equal(await chain.balance(payee), 10_000n)
  }))

test('wallet: a counterfactual payer is simulated in one multicall, then deployed and paid from', () =>
  withChain(async (chain) => {
    const { factory, wallet } = await installFactory(chain)
    await chain.mint(wallet, 10_000n)
    const t = terms(wallet, 10_000n)
    const args = [...list(t), await sign(payer, t)]
    const deploy = encodeFunctionData({ abi: abis.factory, functionName: 'deploy', args: [payer.address, kZeroSalt] })
    const calls = [
      { target: factory, callData: deploy },
      { target: kUsdc, callData: encodeFunctionData(transferCall(args)) },
    ]
    const outcome = async (some) =>
      (await chain.read(kMulticall3, abis.multicall3, 'tryAggregate', [false, some])).map((r) => r.success)
    assert.deepEqual(await outcome(calls), [true, true])
    assert.deepEqual(await outcome(calls.slice(1)), [false])
    assert.equal(await chain.client.getCode({ address: wallet }), undefined)
    const deployed = await chain.sendData(relayer, factory, deploy)
    assert.equal(deployed.status, 'success')
    assert.notEqual(await chain.client.getCode({ address: wallet }), undefined)
    assert.equal((await chain.sendData(relayer, factory, deploy)).status, 'success', 'deploying again does no harm')
    await chain.must(relayer, kUsdc, abis.usdc, 'transferWithAuthorization', args)
    assert.equal(await chain.balance(payee), 10_000n)
  }))

// ---- Hostile tokens

async function withToken(name, body) {
  await withChain(async (chain) => {
    const { abi, deployedBytecode } = artifact(name)
    const address = '0x0000000000000000000000000000000000bad000'
    await chain.client.setCode({ address, bytecode: deployedBytecode })
    await chain.must(relayer, address, abi, 'mint', [payer.address, 1_000n])
    const t = terms(payer.address, 500n)
    const signature = await sign(payer, t, { ...usdcDomain, verifyingContract: address })
    await body({
      chain,
      arm: () => chain.must(relayer, address, abi, 'arm', [true]),
      why: () => chain.refusal(relayer, address, abi, 'transferWithAuthorization', [...list(t), signature]),
      send: () => chain.send(relayer, address, abi, 'transferWithAuthorization', [...list(t), signature]),
      received: () => chain.read(address, abi, 'balanceOf', [payee]),
      events: (receipt) => parseEventLogs({ abi, logs: receipt.logs }).map((l) => l.eventName),
    })
  })
}

test('hostile: FalseToken refuses without reverting and without a log', () =>
  withToken('FalseToken', async ({ send, received }) => {
    assert.equal((await send()).status, 'success')
    assert.equal(await received(), 500n)
    const replay = await send()
    assert.equal(replay.status, 'success')
    assert.equal(replay.logs.length, 0)
    assert.equal(await received(), 500n)
  }))

test('hostile: LateRevertToken passes a simulation and fails once armed', () =>
  withToken('LateRevertToken', async ({ arm, why, send, received }) => {
    assert.equal(await why(), undefined)
    await arm()
    assert.equal((await send()).status, 'reverted')
    assert.equal(await why(), 'LateRevertToken: changed its mind')
    assert.equal(await received(), 0n)
  }))

test('hostile: ReplayToken pays twice for one authorisation', () =>
  withToken('ReplayToken', async ({ send, received }) => {
    for (const expected of [500n, 1_000n]) {
      assert.equal((await send()).status, 'success')
      assert.equal(await received(), expected)
    }
  }))

test('hostile: FeeToken delivers less than was signed', () =>
  withToken('FeeToken', async ({ send, received, events }) => {
    assert.deepEqual(events(await send()), ['AuthorizationUsed', 'Transfer', 'Transfer'])
    assert.equal(await received(), 495n)
  }))

test('hostile: SilentToken logs the use and moves nothing once armed', () =>
  withToken('SilentToken', async ({ arm, send, received, events }) => {
    await arm()
    const receipt = await send()
    assert.equal(receipt.status, 'success')
    assert.deepEqual(events(receipt), ['AuthorizationUsed'])
    assert.equal(await received(), 0n)
  }))

test('hostile: BurningToken passes a simulation and burns all the gas of a transaction', () =>
  withToken('BurningToken', async ({ why, send, received }) => {
    assert.equal(await why(), undefined)
    const receipt = await send()
    assert.equal(receipt.status, 'reverted')
    assert.ok(receipt.gasUsed > 4_900_000n, `${receipt.gasUsed} gas`)
    assert.equal(await received(), 0n)
  }))

// ---- Hostile wallets

/** A transfer of USDC from the wallet: what a simulation says, and what a transaction does. */
async function transferFrom(walletName) {
  let result
  await withChain(async (chain) => {
    const { abi, bytecode } = artifact(walletName)
    const hash = await chain.client.deployContract({ abi, bytecode, args: [payer.address], account: relayer })
    const { contractAddress: wallet } = await chain.client.waitForTransactionReceipt({ hash })
    await chain.mint(wallet, 100n)
    const t = terms(wallet, 10n)
    const args = [...list(t), await sign(payer, t)]
    const why = await chain.refusal(relayer, kUsdc, abis.usdc, 'transferWithAuthorization', args)
    const receipt = await chain.send(relayer, kUsdc, abis.usdc, 'transferWithAuthorization', args)
    result = { why, status: receipt.status, gasUsed: receipt.gasUsed, received: await chain.balance(payee) }
  })
  return result
}

for (const name of ['GreedyWallet', 'SlyWallet']) {
  test(`hostile: ${name} passes a simulation with gas to burn and burns most of a transaction's`, async () => {
    const { why, gasUsed } = await transferFrom(name)
    assert.equal(why, undefined)
    assert.ok(gasUsed > 4_800_000n, `${gasUsed} gas`)
  })
}

test('hostile: FickleWallet accepts in a simulation and refuses in a transaction', async () => {
  const { why, status, received } = await transferFrom('FickleWallet')
  assert.equal(why, undefined)
  assert.equal(status, 'reverted')
  assert.equal(received, 0n)
})
