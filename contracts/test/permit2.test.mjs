// SPDX-License-Identifier: Apache-2.0
// DevPermit2 against what an x402 payer, proxy or facilitator sees of Permit2.
import assert from 'node:assert/strict'
import test from 'node:test'
import { hashStruct, parseEther, parseSignature, serializeCompactSignature, signatureToCompactSignature } from 'viem'
import { abis, accounts, artifact, kExactProxy, kGenesisTime, kPermit2, kUsdc, permit2Domain, withChain } from './chain.mjs'

const [payer, spender, other] = accounts
const payee = '0x9876543210987654321098765432109876543210'
const kMax = 2n ** 256n - 1n

const TokenPermissions = [
  { name: 'token', type: 'address' },
  { name: 'amount', type: 'uint256' },
]
const Witness = [
  { name: 'to', type: 'address' },
  { name: 'validAfter', type: 'uint256' },
]
const permitMembers = (permitted) => [
  { name: 'permitted', type: permitted },
  { name: 'spender', type: 'address' },
  { name: 'nonce', type: 'uint256' },
  { name: 'deadline', type: 'uint256' },
]
const witnessMember = { name: 'witness', type: 'Witness' }
const types = {
  TokenPermissions,
  Witness,
  PermitTransferFrom: permitMembers('TokenPermissions'),
  PermitWitnessTransferFrom: [...permitMembers('TokenPermissions'), witnessMember],
  PermitBatchTransferFrom: permitMembers('TokenPermissions[]'),
  PermitBatchWitnessTransferFrom: [...permitMembers('TokenPermissions[]'), witnessMember],
  PermitDetails: [
    { name: 'token', type: 'address' },
    { name: 'amount', type: 'uint160' },
    { name: 'expiration', type: 'uint48' },
    { name: 'nonce', type: 'uint48' },
  ],
  PermitSingle: [
    { name: 'details', type: 'PermitDetails' },
    { name: 'spender', type: 'address' },
    { name: 'sigDeadline', type: 'uint256' },
  ],
}
const kWitnessTypeString =
  'Witness witness)TokenPermissions(address token,uint256 amount)Witness(address to,uint256 validAfter)'
const witness = { to: payee, validAfter: 0n }
const witnessHash = hashStruct({ data: witness, primaryType: 'Witness', types: { Witness } })

const sign = (signer, primaryType, message) =>
  signer.signTypedData({ domain: permit2Domain, types, primaryType, message })

const permitOf = (nonce, changes = {}) => ({
  permitted: { token: kUsdc, amount: 1_000_000n },
  nonce,
  deadline: BigInt(kGenesisTime + 3600),
  ...changes,
})
const details = (requestedAmount) => ({ to: payee, requestedAmount })

const kSingle = '((address,uint256),uint256,uint256),(address,uint256)'
const kBatch = '((address,uint256)[],uint256,uint256),(address,uint256)[]'
const shape = (inputs) =>
  inputs.map((i) => (i.components ? `(${shape(i.components)})${i.type.slice('tuple'.length)}` : i.type)).join(',')
// One overload of a function: viem cannot tell a single permit from a batch of one by its arguments in every case.
function overload(name, start) {
  const found = abis.permit2.filter((f) => f.name === name && shape(f.inputs).startsWith(start))
  assert.equal(found.length, 1, `${name}(${start}…)`)
  return [...found, ...abis.permit2.filter((f) => f.type === 'error')]
}
const single = overload('permitTransferFrom', kSingle)
const singleWitness = overload('permitWitnessTransferFrom', kSingle)

const funded = (body) =>
  withChain(async (chain) => {
    await chain.mint(payer.address, 5_000_000n)
    await chain.must(payer, kUsdc, abis.usdc, 'approve', [kPermit2, kMax])
    await body(chain)
  })

test('permit2: permitWitnessTransferFrom pays once, and only as the witness says', () =>
  funded(async (chain) => {
    const permit = permitOf(7n)
    const message = { ...permit, spender: spender.address, witness }
    const signature = await sign(payer, 'PermitWitnessTransferFrom', message)
    const argsFor = (hash) => [permit, details(600_000n), payer.address, hash, kWitnessTypeString, signature]
    const why = (who, args) => chain.refusal(who, kPermit2, singleWitness, 'permitWitnessTransferFrom', args)
    const otherHash = hashStruct({ data: { ...witness, to: other.address }, primaryType: 'Witness', types: { Witness } })
    assert.equal(await why(spender, argsFor(otherHash)), 'InvalidSigner()')
    assert.equal(await why(other, argsFor(witnessHash)), 'InvalidSigner()')
    await chain.must(spender, kPermit2, singleWitness, 'permitWitnessTransferFrom', argsFor(witnessHash))
    assert.equal(await chain.balance(payee), 600_000n)
    assert.equal(await chain.read(kPermit2, abis.permit2, 'nonceBitmap', [payer.address, 0n]), 1n << 7n)
    assert.equal(await why(spender, argsFor(witnessHash)), 'InvalidNonce()')
  }))

test('permit2: takes the known signature for the exact proxy (protocol.md 15.3)', () =>
  funded(async (chain) => {
    await chain.client.impersonateAccount({ address: kExactProxy })
    await chain.client.setBalance({ address: kExactProxy, value: parseEther('1') })
    const permit = permitOf(1n, { deadline: 9999999999n })
    const signature =
      '0x71d701457d5c4c4ccb48ce0cbf1ff80dd2237c2e7a04272043b99e1c667e370d096fec3610f7c96c264294e25eff53a99eb8fd7ed25621b65e23e79a1c41abf51c'
    const args = [permit, details(1_000_000n), payer.address, witnessHash, kWitnessTypeString, signature]
    await chain.must(kExactProxy, kPermit2, singleWitness, 'permitWitnessTransferFrom', args)
    assert.equal(await chain.balance(payee), 1_000_000n)
  }))

test('permit2: permitTransferFrom refuses with the errors of Permit2', () =>
  funded(async (chain) => {
    const why = async (permit, requested, signature) => {
      const args = [permit, details(requested), payer.address, signature]
      return chain.refusal(spender, kPermit2, single, 'permitTransferFrom', args)
    }
    const permit = permitOf(1n)
    const signature = await sign(payer, 'PermitTransferFrom', { ...permit, spender: spender.address })
    const compact = serializeCompactSignature(signatureToCompactSignature(parseSignature(signature)))
    assert.equal(await why(permit, 1_000_000n, signature), undefined)
    assert.equal(await why(permit, 1_000_000n, compact), undefined)
    assert.equal(await why(permit, 1_000_001n, signature), 'InvalidAmount(1000000)')
    assert.equal(await why(permitOf(1n, { deadline: 5n }), 1n, signature), 'SignatureExpired(5)')
    assert.equal(await why(permit, 1n, `${signature}00`), 'InvalidSignatureLength()')
    assert.equal(await why(permit, 1n, `0x${'00'.repeat(65)}`), 'InvalidSignature()')
    assert.equal(await why(permitOf(2n), 1n, signature), 'InvalidSigner()')
    await chain.must(payer, kPermit2, abis.permit2, 'invalidateUnorderedNonces', [0n, 2n])
    assert.equal(await why(permit, 1n, signature), 'InvalidNonce()')
    await chain.must(payer, kUsdc, abis.usdc, 'approve', [kPermit2, 0n])
    const next = permitOf(256n)
    const nextSignature = await sign(payer, 'PermitTransferFrom', { ...next, spender: spender.address })
    assert.equal(await why(next, 1n, nextSignature), 'TRANSFER_FROM_FAILED')
  }))

test('permit2: the batch forms move several amounts under one signature', () =>
  funded(async (chain) => {
    const permitted = [
      { token: kUsdc, amount: 100n },
      { token: kUsdc, amount: 200n },
    ]
    const plain = overload('permitTransferFrom', kBatch)
    const witnessed = overload('permitWitnessTransferFrom', kBatch)
    const first = permitOf(1n, { permitted })
    const firstSignature = await sign(payer, 'PermitBatchTransferFrom', { ...first, spender: spender.address })
    const short = [first, [details(100n)], payer.address, firstSignature]
    assert.equal(await chain.refusal(spender, kPermit2, plain, 'permitTransferFrom', short), 'LengthMismatch()')
    const greedy = [first, [details(100n), details(201n)], payer.address, firstSignature]
    assert.equal(await chain.refusal(spender, kPermit2, plain, 'permitTransferFrom', greedy), 'InvalidAmount(200)')
    const exact = [first, [details(100n), details(150n)], payer.address, firstSignature]
    await chain.must(spender, kPermit2, plain, 'permitTransferFrom', exact)
    assert.equal(await chain.balance(payee), 250n)
    const second = permitOf(2n, { permitted })
    const message = { ...second, spender: spender.address, witness }
    const secondSignature = await sign(payer, 'PermitBatchWitnessTransferFrom', message)
    const transfers = [details(0n), details(1n)]
    const args = [second, transfers, payer.address, witnessHash, kWitnessTypeString, secondSignature]
    await chain.must(spender, kPermit2, witnessed, 'permitWitnessTransferFrom', args)
    assert.equal(await chain.balance(payee), 251n)
  }))

test('permit2: a standing allowance is set by approve or permit, shrinks and expires', () =>
  funded(async (chain) => {
    const expiration = kGenesisTime + 600
    const take = (amount) => [payer.address, payee, amount, kUsdc]
    const why = (amount) => chain.refusal(spender, kPermit2, abis.permit2, 'transferFrom', take(amount))
    assert.equal(await why(1n), 'AllowanceExpired(0)')
    await chain.must(payer, kPermit2, abis.permit2, 'approve', [kUsdc, spender.address, 100n, expiration])
    await chain.must(spender, kPermit2, abis.permit2, 'transferFrom', take(60n))
    assert.equal(await why(41n), 'InsufficientAllowance(40)')
    const allowance = { token: kUsdc, amount: 500n, expiration, nonce: 0 }
    const permit = { details: allowance, spender: spender.address, sigDeadline: BigInt(kGenesisTime + 3600) }
    const args = [payer.address, permit, await sign(payer, 'PermitSingle', permit)]
    await chain.must(other, kPermit2, abis.permit2, 'permit', args)
    const stored = await chain.read(kPermit2, abis.permit2, 'allowance', [payer.address, kUsdc, spender.address])
    assert.deepEqual([...stored], [500n, expiration, 1])
    assert.equal(await chain.refusal(other, kPermit2, abis.permit2, 'permit', args), 'InvalidNonce()')
    await chain.client.setNextBlockTimestamp({ timestamp: BigInt(expiration) })
    await chain.must(spender, kPermit2, abis.permit2, 'transferFrom', take(1n))
    await chain.client.setNextBlockTimestamp({ timestamp: BigInt(expiration + 1) })
    const late = await chain.send(spender, kPermit2, abis.permit2, 'transferFrom', take(1n))
    assert.equal(late.status, 'reverted')
    assert.equal(await chain.balance(payee), 61n)
  }))

test('permit2: a contract wallet signs through ERC-1271', () =>
  withChain(async (chain) => {
    const factory = '0x00000000000000000000000000000000000f4c70'
    await chain.client.setCode({ address: factory, bytecode: artifact('DevWalletFactory').deployedBytecode })
    const salt = `0x${'00'.repeat(32)}`
    const wallet = await chain.read(factory, abis.factory, 'getAddress', [payer.address, salt])
    await chain.must(other, factory, abis.factory, 'deploy', [payer.address, salt])
    await chain.mint(wallet, 1_000n)
    const approve = { permitted: { token: kUsdc, amount: 1_000n } }
    const permit = permitOf(3n, approve)
    const signature = await sign(payer, 'PermitTransferFrom', { ...permit, spender: spender.address })
    const args = [permit, details(1_000n), wallet, signature]
    // approve(Permit2, 1000), called by the wallet itself
    const data = `0x095ea7b3${kPermit2.slice(2).padStart(64, '0')}${(1000).toString(16).padStart(64, '0')}`
    await chain.must(payer, wallet, abis.wallet, 'execute', [kUsdc, 0n, data])
    await chain.must(payer, wallet, abis.wallet, 'setMode', [1])
    const why = await chain.refusal(spender, kPermit2, single, 'permitTransferFrom', args)
    assert.equal(why, 'InvalidContractSignature()')
    await chain.must(payer, wallet, abis.wallet, 'setMode', [0])
    await chain.must(spender, kPermit2, single, 'permitTransferFrom', args)
    assert.equal(await chain.balance(payee), 1_000n)
  }))
