// SPDX-License-Identifier: Apache-2.0
// DevUsdc against what a payer or a facilitator sees of FiatToken v2.2.
import assert from 'node:assert/strict'
import test from 'node:test'
import { numberToHex, parseEventLogs, parseSignature } from 'viem'
import { abis, accounts, artifact, authorizationMembers, kGenesisTime, kUsdc, owner, usdcDomain, withChain } from './chain.mjs'

const [payer, relayer, other] = accounts
const payee = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C'
const kUsed = 'FiatTokenV2: authorization is used or canceled'
const kN = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

const types = {
  TransferWithAuthorization: authorizationMembers,
  ReceiveWithAuthorization: authorizationMembers,
  CancelAuthorization: [
    { name: 'authorizer', type: 'address' },
    { name: 'nonce', type: 'bytes32' },
  ],
  Permit: [
    { name: 'owner', type: 'address' },
    { name: 'spender', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
}

const nonceOf = (n) => numberToHex(n, { size: 32 })
const sign = (signer, primaryType, message, domain = usdcDomain) =>
  signer.signTypedData({ domain, types: { [primaryType]: types[primaryType] }, primaryType, message })

function terms(n, changes = {}) {
  const open = { validAfter: 0n, validBefore: BigInt(kGenesisTime + 3600) }
  return { from: payer.address, to: payee, value: 10_000n, ...open, nonce: nonceOf(n), ...changes }
}

const list = (t) => [t.from, t.to, t.value, t.validAfter, t.validBefore, t.nonce]
const withBytes = (t, signature) => [...list(t), signature]
function withVrs(t, signature) {
  const { r, s, v } = parseSignature(signature)
  return [...list(t), Number(v), r, s]
}

const transfer = (chain, args) => chain.send(relayer, kUsdc, abis.usdc, 'transferWithAuthorization', args)
const refusal = (chain, args) => chain.refusal(relayer, kUsdc, abis.usdc, 'transferWithAuthorization', args)

for (const [form, argsOf] of Object.entries({ 'v, r, s': withVrs, bytes: withBytes })) {
  test(`usdc: transferWithAuthorization (${form}) moves the money once and logs it`, () =>
    withChain(async (chain) => {
      await chain.mint(payer.address, 30_000n)
      const t = terms(1)
      const args = argsOf(t, await sign(payer, 'TransferWithAuthorization', t))
      const receipt = await transfer(chain, args)
      assert.equal(receipt.status, 'success')
      const logs = parseEventLogs({ abi: abis.usdc, logs: receipt.logs })
      assert.deepEqual(logs.map((l) => l.eventName), ['AuthorizationUsed', 'Transfer'])
      assert.deepEqual({ ...logs[0].args }, { authorizer: payer.address, nonce: t.nonce })
      assert.deepEqual({ ...logs[1].args }, { from: payer.address, to: payee, value: 10_000n })
      assert.equal(await chain.balance(payee), 10_000n)
      assert.equal(await chain.balance(payer.address), 20_000n)
      assert.equal(await chain.read(kUsdc, abis.usdc, 'authorizationState', [payer.address, t.nonce]), true)
      assert.equal(await refusal(chain, args), kUsed)
      assert.equal((await transfer(chain, args)).status, 'reverted')
      assert.equal(await chain.balance(payee), 10_000n)
    }))

  test(`usdc: receiveWithAuthorization (${form}) pays the payee who asks, nobody else`, () =>
    withChain(async (chain) => {
      await chain.mint(payer.address, 10_000n)
      const t = terms(1, { to: other.address })
      const args = argsOf(t, await sign(payer, 'ReceiveWithAuthorization', t))
      const why = await chain.refusal(relayer, kUsdc, abis.usdc, 'receiveWithAuthorization', args)
      assert.equal(why, 'FiatTokenV2: caller must be the payee')
      assert.equal(await refusal(chain, args), 'FiatTokenV2: invalid signature')
      await chain.must(other, kUsdc, abis.usdc, 'receiveWithAuthorization', args)
      assert.equal(await chain.balance(other.address), 10_000n)
    }))

  test(`usdc: cancelAuthorization (${form}) burns the nonce`, () =>
    withChain(async (chain) => {
      await chain.mint(payer.address, 10_000n)
      const t = terms(1)
      const signature = await sign(payer, 'TransferWithAuthorization', t)
      const message = { authorizer: payer.address, nonce: t.nonce }
      const cancel = await sign(payer, 'CancelAuthorization', message)
      const { r, s, v } = parseSignature(cancel)
      const tail = form === 'bytes' ? [cancel] : [Number(v), r, s]
      const receipt = await chain.must(relayer, kUsdc, abis.usdc, 'cancelAuthorization', [payer.address, t.nonce, ...tail])
      const [log] = parseEventLogs({ abi: abis.usdc, logs: receipt.logs })
      assert.equal(log.eventName, 'AuthorizationCanceled')
      assert.equal(await refusal(chain, argsOf(t, signature)), kUsed)
      const again = [payer.address, t.nonce, ...tail]
      assert.equal(await chain.refusal(relayer, kUsdc, abis.usdc, 'cancelAuthorization', again), kUsed)
    }))

  test(`usdc: permit (${form}) sets the allowance and uses up the nonce`, () =>
    withChain(async (chain) => {
      await chain.mint(payer.address, 10_000n)
      const deadline = BigInt(kGenesisTime + 3600)
      const message = { owner: payer.address, spender: relayer.address, value: 4_000n, nonce: 0n, deadline }
      const signature = await sign(payer, 'Permit', message)
      const { r, s, v } = parseSignature(signature)
      const tail = form === 'bytes' ? [signature] : [Number(v), r, s]
      const args = [message.owner, message.spender, message.value, deadline, ...tail]
      await chain.must(relayer, kUsdc, abis.usdc, 'permit', args)
      assert.equal(await chain.read(kUsdc, abis.usdc, 'nonces', [payer.address]), 1n)
      assert.equal(await chain.refusal(relayer, kUsdc, abis.usdc, 'permit', args), 'EIP2612: invalid signature')
      const late = [message.owner, message.spender, 1n, 1n, ...tail]
      assert.equal(await chain.refusal(relayer, kUsdc, abis.usdc, 'permit', late), 'FiatTokenV2: permit is expired')
      await chain.must(relayer, kUsdc, abis.usdc, 'transferFrom', [payer.address, payee, 3_000n])
      const more = [payer.address, payee, 1_001n]
      const why = await chain.refusal(relayer, kUsdc, abis.usdc, 'transferFrom', more)
      assert.equal(why, 'ERC20: transfer amount exceeds allowance')
    }))
}

test('usdc: both ends of the validity window are exclusive', () =>
  withChain(async (chain) => {
    await chain.mint(payer.address, 40_000n)
    const start = kGenesisTime + 1000
    const cases = [
      { blockTime: start, status: 'reverted' },
      { blockTime: start + 1, status: 'success' },
      { blockTime: start + 9, status: 'success' },
      { blockTime: start + 10, status: 'reverted' },
    ]
    for (const [i, { blockTime, status }] of cases.entries()) {
      const t = terms(i, { validAfter: BigInt(start), validBefore: BigInt(start + 10) })
      const args = withVrs(t, await sign(payer, 'TransferWithAuthorization', t))
      await chain.client.setNextBlockTimestamp({ timestamp: BigInt(blockTime) })
      assert.equal((await transfer(chain, args)).status, status, `at validAfter + ${blockTime - start}`)
    }
  }))

test('usdc: refuses with the strings of FiatToken', () =>
  withChain(async (chain) => {
    await chain.mint(payer.address, 10_000n)
    const base = BigInt(kGenesisTime)
    const cases = [
      ['FiatTokenV2: authorization is not yet valid', { validAfter: base + 9000n, validBefore: base + 9999n }],
      ['FiatTokenV2: authorization is expired', { validBefore: base }],
      ['ERC20: transfer amount exceeds balance', { value: 10_001n }],
      ['ERC20: transfer to the zero address', { to: '0x0000000000000000000000000000000000000000' }],
      ['FiatTokenV2: invalid signature', { from: other.address }],
    ]
    for (const [i, [expected, changes]] of cases.entries()) {
      const t = terms(i, changes)
      const signature = await sign(payer, 'TransferWithAuthorization', t)
      assert.equal(await refusal(chain, withVrs(t, signature)), expected)
      assert.equal(await refusal(chain, withBytes(t, signature)), expected)
    }
  }))

test('usdc: one authorisation has one encoding of its signature', () =>
  withChain(async (chain) => {
    await chain.mint(payer.address, 10_000n)
    const t = terms(1)
    const signature = await sign(payer, 'TransferWithAuthorization', t)
    const { r, s, v } = parseSignature(signature)
    const highS = numberToHex(kN - BigInt(s), { size: 32 })
    const cases = [
      ["ECRecover: invalid signature 's' value", [...list(t), v === 27n ? 28 : 27, r, highS]],
      ["ECRecover: invalid signature 'v' value", [...list(t), Number(v) - 27, r, s]],
      ['ECRecover: invalid signature length', withBytes(t, `${signature}00`)],
      ['ECRecover: invalid signature length', withBytes(t, signature.slice(0, -2))],
      ['ECRecover: invalid signature', [...list(t), 27, nonceOf(0), nonceOf(1)]],
    ]
    for (const [expected, args] of cases) assert.equal(await refusal(chain, args), expected)
    const mainnet = await sign(payer, 'TransferWithAuthorization', t, { ...usdcDomain, chainId: 8453 })
    assert.equal(await refusal(chain, withVrs(t, mainnet)), 'FiatTokenV2: invalid signature')
    assert.equal(await refusal(chain, withVrs(t, signature)), undefined)
  }))

test('usdc: takes the published and the known signatures (protocol.md 15.2, 15.3)', async () => {
  const published = {
    from: '0x857b06519E91e3A54538791bDbb0E22373e36b66',
    to: payee,
    value: 10_000n,
    validAfter: 1740672089n,
    validBefore: 1740672154n,
    nonce: '0xf3746613c2d920b5fdabc0856f2aeb2d4f88ee6037b8cc5d04a71a4462f13480',
  }
  const publishedSignature =
    '0x2d6a7588d6acca505cbf0d9a4a227e0c52c6c34008c8e8986a1283259764173608a2ce6496642e377d6da8dbbf5836e9bd15092f9ecab05ded3d6293af148b571c'
  const inWindow = { timestamp: 1740672100 }
  await withChain(async (chain) => {
    await chain.mint(published.from, 10_000n)
    await chain.client.setNextBlockTimestamp({ timestamp: 1740672120n })
    assert.equal((await transfer(chain, withVrs(published, publishedSignature))).status, 'success')
  }, inWindow)
  await withChain(async (chain) => {
    await chain.mint(payer.address, 10_000n)
    const known = terms(1, { validBefore: 1900000000n })
    const knownSignature =
      '0x31b0b2c257841128d341f63620c057d174155c2f51630b95bff21858367386af3296f16340309fc845e3eefe6790cc75ca9a36f6ce3aa4619913ef7fd67d7c9c1c'
    assert.equal(await sign(payer, 'TransferWithAuthorization', known), knownSignature)
    assert.equal((await transfer(chain, withBytes(known, knownSignature))).status, 'success')
    const permitSignature =
      '0x7898e34a68dfc1d4b24ff82b7263052189e3aa9b791ede64231a015957f38f311b3621b0decc5fa3ac95e065e2c230623057e42a4fcfceab216e5768189e17b81c'
    const permit2 = '0x000000000022D473030F116dDEE9F6B43aC78BA3'
    const permit = [payer.address, permit2, 1_000_000n, 9999999999n, permitSignature]
    await chain.must(relayer, kUsdc, abis.usdc, 'permit', permit)
    assert.equal(await chain.read(kUsdc, abis.usdc, 'allowance', [payer.address, permit2]), 1_000_000n)
  })
})

test('usdc: an account with code answers through ERC-1271 and never by ECDSA', () =>
  withChain(async (chain) => {
    await chain.mint(payer.address, 10_000n)
    const t = terms(1)
    const args = withVrs(t, await sign(payer, 'TransferWithAuthorization', t))
    assert.equal(await refusal(chain, args), undefined)
    await chain.client.setCode({ address: payer.address, bytecode: artifact('Multicall3').deployedBytecode })
    assert.equal(await refusal(chain, args), 'FiatTokenV2: invalid signature')
  }))

test('usdc: a pause stops every movement of money and approval, and ends', () =>
  withChain(async (chain) => {
    await chain.mint(payer.address, 10_000n)
    const t = terms(1)
    const args = withVrs(t, await sign(payer, 'TransferWithAuthorization', t))
    const notOwner = 'Ownable: caller is not the owner'
    assert.equal(await chain.refusal(payer, kUsdc, abis.usdc, 'pause'), notOwner)
    await chain.must(owner, kUsdc, abis.usdc, 'pause')
    assert.equal(await refusal(chain, args), 'Pausable: paused')
    assert.equal(await chain.refusal(payer, kUsdc, abis.usdc, 'transfer', [payee, 1n]), 'Pausable: paused')
    assert.equal(await chain.refusal(payer, kUsdc, abis.usdc, 'approve', [payee, 1n]), 'Pausable: paused')
    await chain.must(owner, kUsdc, abis.usdc, 'unpause')
    assert.equal(await refusal(chain, args), undefined)
  }))

test('usdc: a listed account neither pays nor is paid', () =>
  withChain(async (chain) => {
    const listed = 'Blacklistable: account is blacklisted'
    await chain.mint(payer.address, 10_000n)
    const t = terms(1)
    const args = withVrs(t, await sign(payer, 'TransferWithAuthorization', t))
    assert.equal(await chain.refusal(payer, kUsdc, abis.usdc, 'blacklist', [payee]), 'Ownable: caller is not the owner')
    for (const account of [payer.address, payee]) {
      await chain.must(owner, kUsdc, abis.usdc, 'blacklist', [account])
      assert.equal(await chain.read(kUsdc, abis.usdc, 'isBlacklisted', [account]), true)
      assert.equal(await refusal(chain, args), listed)
      assert.equal(await chain.refusal(payer, kUsdc, abis.usdc, 'transfer', [payee, 1n]), listed)
      await chain.must(owner, kUsdc, abis.usdc, 'unBlacklist', [account])
    }
    assert.equal(await chain.refusal(payer, kUsdc, abis.usdc, 'transfer', [kUsdc, 1n]), listed)
    assert.equal(await refusal(chain, args), undefined)
  }))

test('usdc: ERC-20 by hand, and minting by minters only', () =>
  withChain(async (chain) => {
    const call = (who, name, args) => chain.must(who, kUsdc, abis.usdc, name, args)
    const why = (who, name, args) => chain.refusal(who, kUsdc, abis.usdc, name, args)
    assert.equal(await why(other, 'initialize', [other.address]), 'FiatToken: contract is already initialized')
    assert.equal(await why(other, 'mint', [other.address, 1n]), 'FiatToken: caller is not a minter')
    await call(owner, 'configureMinter', [other.address, 100n])
    assert.equal(await why(other, 'mint', [other.address, 101n]), 'FiatToken: mint amount exceeds minterAllowance')
    await call(other, 'mint', [payer.address, 100n])
    assert.equal(await chain.read(kUsdc, abis.usdc, 'totalSupply'), 100n)
    await call(payer, 'transfer', [payee, 40n])
    await call(payer, 'approve', [other.address, 10n])
    await call(payer, 'increaseAllowance', [other.address, 20n])
    await call(payer, 'decreaseAllowance', [other.address, 5n])
    assert.equal(await why(payer, 'decreaseAllowance', [other.address, 26n]), 'ERC20: decreased allowance below zero')
    await call(other, 'transferFrom', [payer.address, payee, 25n])
    assert.equal(await why(payer, 'transfer', [payee, 36n]), 'ERC20: transfer amount exceeds balance')
    assert.equal(await chain.balance(payee), 65n)
    assert.equal(await chain.balance(payer.address), 35n)
    assert.equal(await chain.read(kUsdc, abis.usdc, 'totalSupply'), 100n)
  }))
