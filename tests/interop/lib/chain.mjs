// SPDX-License-Identifier: Apache-2.0
// What the tests read from and write to the development chain, through viem and never through our own code.

import { createPublicClient, createWalletClient, http, parseAbi, publicActions } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { baseSepolia } from "viem/chains";

export const NETWORK = "eip155:84532";
export const NETWORK_V1 = "base-sepolia";
export const CHAIN_ID = 84532;
export const USDC = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";

const TOKEN_ABI = parseAbi([
  "function balanceOf(address) view returns (uint256)",
  "function transfer(address to, uint256 value) returns (bool)",
  "function authorizationState(address, bytes32) view returns (bool)",
  "function cancelAuthorization(address authorizer, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)",
  "function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)",
]);

/// Reads and writes with one key; every write waits for its receipt and fails unless it succeeded.
export function walletOn(rpc, key) {
  return createWalletClient({
    account: privateKeyToAccount(key),
    chain: baseSepolia,
    transport: http(rpc, { retryCount: 0 }),
    pollingInterval: 25,
  }).extend(publicActions);
}

/// The test's own view of the chain. `treasuryKey` pays for funding and for what a handler does on the chain.
export function chainView(rpc, treasuryKey) {
  const reader = createPublicClient({ chain: baseSepolia, transport: http(rpc), pollingInterval: 25 });
  const treasury = walletOn(rpc, treasuryKey);
  let lane = Promise.resolve();

  const write = (functionName, args) => {
    const sent = lane.then(async () => {
      const hash = await treasury.writeContract({ address: USDC, abi: TOKEN_ABI, functionName, args });
      const receipt = await treasury.waitForTransactionReceipt({ hash });
      if (receipt.status !== "success") throw new Error(`${functionName} reverted: ${hash}`);
      return receipt;
    });
    lane = sent.catch(() => {});
    return sent;
  };

  return {
    reader,
    balanceOf: (address) =>
      reader.readContract({ address: USDC, abi: TOKEN_ABI, functionName: "balanceOf", args: [address] }),
    authorizationUsed: (from, nonce) =>
      reader.readContract({
        address: USDC,
        abi: TOKEN_ABI,
        functionName: "authorizationState",
        args: [from, nonce],
      }),
    receipt: (hash) => reader.getTransactionReceipt({ hash }),
    write,
    /// A key nobody else uses, holding `amount` atomic units of USDC and no gas.
    async freshPayer(amount) {
      const key = generatePrivateKey();
      const { address } = privateKeyToAccount(key);
      if (amount > 0n) await write("transfer", [address, amount]);
      return { key, address };
    },
    freshAddress: () => privateKeyToAccount(generatePrivateKey()).address,
  };
}
