// SPDX-License-Identifier: Apache-2.0
// Packages installed here, for the tests in other folders that have none of their own.

export { HTTPFacilitatorClient } from "@x402/core/server";
export { default as express } from "express";
export { encodeFunctionData, keccak256, parseAbi } from "viem";
export { generatePrivateKey, privateKeyToAccount, sign } from "viem/accounts";
