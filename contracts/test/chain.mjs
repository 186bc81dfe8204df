// SPDX-License-Identifier: Apache-2.0
// A private development chain for one test: anvil with our contracts at their addresses, ended when the test ends.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import {
  BaseError,
  ContractFunctionRevertedError,
  createTestClient,
  encodeFunctionData,
  http,
  pad,
  publicActions,
  walletActions,
} from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { baseSepolia } from 'viem/chains'

export const kUsdc = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'
export const kUsdcCode = '0xf1a7000000000000000000000000000000000022'
export const kPermit2 = '0x000000000022D473030F116dDEE9F6B43aC78BA3'
export const kMulticall3 = '0xcA11bde05977b3631167028862bE2a173976CA11'
export const kCreate2Deployer = '0x4e59b44847b379578588920cA78FbF26c0B4956C'
export const kExactProxy = '0x402085c248EeA27D92E8b30b2C58ed07f9E20001'

/** The time of the first block: known answers stay valid whatever the wall clock says. */
export const kGenesisTime = 1_800_000_000

const kImplementationSlot = '0x7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c036e5a723fd8ee048ed3f8c3'
const kAdminSlot = '0x10d6a54a4754c8869d6886b5f5d7fbfa5b4522237ea5c60d11bc4e7a1ff9390b'
/** Nobody's account: whoever is the proxy's admin cannot use the token. */
const kUsdcAdmin = '0xf1a70000000000000000000000000000000000ad'
const kStartDeadlineMs = 20_000
const kDevMnemonic = 'test test test test test test test test test test test junk'

/** The development accounts of anvil, by index: public keys and secrets of no worth. */
export const accounts = Array.from({ length: 10 }, (_, i) => mnemonicToAccount(kDevMnemonic, { addressIndex: i }))
export const owner = accounts[9]

export const artifact = (name) =>
  JSON.parse(readFileSync(new URL(`../artifacts/${name}.json`, import.meta.url), 'utf8'))

export const abis = {
  usdc: artifact('DevUsdc').abi,
  permit2: artifact('DevPermit2').abi,
  multicall3: artifact('Multicall3').abi,
  wallet: artifact('DevWallet').abi,
  factory: artifact('DevWalletFactory').abi,
}

/** What a payer signs to move tokens once. EIP-3009. */
export const authorizationMembers = [
  { name: 'from', type: 'address' },
  { name: 'to', type: 'address' },
  { name: 'value', type: 'uint256' },
  { name: 'validAfter', type: 'uint256' },
  { name: 'validBefore', type: 'uint256' },
  { name: 'nonce', type: 'bytes32' },
]
export const authorizationTypes = { TransferWithAuthorization: authorizationMembers }

export const usdcDomain = { name: 'USDC', version: '2', chainId: 84532, verifyingContract: kUsdc }
export const permit2Domain = { name: 'Permit2', chainId: 84532, verifyingContract: kPermit2 }

// The native program itself, not a launcher script, so that the pid we end is anvil's. npm installs it where there is a
// package for the platform; elsewhere the one on the PATH serves.
function anvilProgram() {
  const installed = fileURLToPath(new URL('../node_modules/.bin/anvil', import.meta.url))
  return existsSync(installed) ? installed : 'anvil'
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

// Resolves once anvil says it listens; rejects with what it printed if it ends or stays silent.
function listening(child) {
  return new Promise((resolve, reject) => {
    const said = []
    const timer = setTimeout(() => reject(new Error(`anvil did not start in time: ${said.join('\n')}`)), kStartDeadlineMs)
    const finish = (settle, value) => {
      clearTimeout(timer)
      settle(value)
    }
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        said.push(line)
        if (line.includes('Listening on')) finish(resolve)
      })
    }
    child.once('error', (error) => finish(reject, error))
    child.once('exit', (code) => finish(reject, new Error(`anvil ended with ${code}: ${said.join('\n')}`)))
  })
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  process.kill(child.pid, 'SIGTERM')
  await gone
}

async function startAnvil(timestamp) {
  for (let attempt = 1; ; ++attempt) {
    const port = await freePort()
    const flags = ['--host', '127.0.0.1', '--port', `${port}`, '--chain-id', '84532', '--timestamp', `${timestamp}`]
    const child = spawn(anvilProgram(), flags, { stdio: ['ignore', 'pipe', 'pipe'] })
    try {
      await listening(child)
      return { child, url: `http://127.0.0.1:${port}` }
    } catch (error) {
      await end(child)
      // Someone else may have taken the port between our closing it and anvil opening it.
      if (attempt === 3) throw error
    }
  }
}

/** Runs `body` on a fresh chain whose contracts are installed and whose owner is `accounts[9]`. */
export async function withChain(body, { timestamp = kGenesisTime } = {}) {
  const { child, url } = await startAnvil(timestamp)
  try {
    const client = createTestClient({ mode: 'anvil', chain: baseSepolia, transport: http(url), pollingInterval: 20 })
    const chain = new Chain(client.extend(publicActions).extend(walletActions))
    await chain.install()
    await body(chain)
  } finally {
    await end(child)
  }
}

class Chain {
  constructor(client) {
    this.client = client
  }

  /** The steps README.md lists for the devnet, in its order. */
  async install() {
    await this.client.setCode({ address: kUsdcCode, bytecode: artifact('DevUsdc').deployedBytecode })
    await this.client.setCode({ address: kUsdc, bytecode: artifact('DevUsdcProxy').deployedBytecode })
    await this.client.setStorageAt({ address: kUsdc, index: kImplementationSlot, value: pad(kUsdcCode) })
    await this.client.setStorageAt({ address: kUsdc, index: kAdminSlot, value: pad(kUsdcAdmin) })
    await this.client.setCode({ address: kPermit2, bytecode: artifact('DevPermit2').deployedBytecode })
    await this.client.setCode({ address: kMulticall3, bytecode: artifact('Multicall3').deployedBytecode })
    await this.must(owner, kUsdc, abis.usdc, 'initialize', [owner.address])
  }

  read(address, abi, functionName, args = []) {
    return this.client.readContract({ address, abi, functionName, args })
  }

  balance(account) {
    return this.read(kUsdc, abis.usdc, 'balanceOf', [account])
  }

  mint(to, amount) {
    return this.must(owner, kUsdc, abis.usdc, 'mint', [to, amount])
  }

  async now() {
    return Number((await this.client.getBlock()).timestamp)
  }

  /** Sends a transaction without simulating it and returns the receipt, whatever its status. */
  async send(account, address, abi, functionName, args = []) {
    return this.sendData(account, address, encodeFunctionData({ abi, functionName, args }))
  }

  async sendData(account, to, data) {
    const hash = await this.client.sendTransaction({ account, to, data, gas: 5_000_000n })
    return this.client.waitForTransactionReceipt({ hash })
  }

  /** As `send`, and the transaction must succeed. */
  async must(account, address, abi, functionName, args = []) {
    const receipt = await this.send(account, address, abi, functionName, args)
    if (receipt.status === 'success') return receipt
    throw new Error(`${functionName} reverted: ${await this.refusal(account, address, abi, functionName, args)}`)
  }

  /** Why the call reverts: the revert string, or the custom error with its arguments. Undefined if it does not revert. */
  async refusal(account, address, abi, functionName, args = []) {
    try {
      await this.client.simulateContract({ account, address, abi, functionName, args })
      return undefined
    } catch (error) {
      const reverted = error instanceof BaseError && error.walk((e) => e instanceof ContractFunctionRevertedError)
      if (!reverted) throw error
      if (reverted.reason !== undefined) return reverted.reason
      const { errorName, args: values } = reverted.data ?? {}
      return errorName === undefined ? `${reverted.signature ?? reverted.raw}` : `${errorName}(${(values ?? []).join(',')})`
    }
  }
}
