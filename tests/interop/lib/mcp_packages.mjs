// SPDX-License-Identifier: Apache-2.0
// The reference MCP SDK, and what a paid MCP server is made of, for the tests in other folders.

export { Client } from "@modelcontextprotocol/sdk/client/index.js";
export { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
export { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
export { Server } from "@modelcontextprotocol/sdk/server/index.js";
export { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
export { CallToolRequestSchema, ListToolsRequestSchema, SUPPORTED_PROTOCOL_VERSIONS } from "@modelcontextprotocol/sdk/types.js";
export { HTTPFacilitatorClient, x402ResourceServer } from "@x402/core/server";
export { ExactEvmScheme } from "@x402/evm/exact/server";

import { HTTPFacilitatorClient } from "@x402/core/server";
import { withBazaar } from "@x402/extensions/bazaar";

/// The reference client of a facilitator's discovery lists.
export const bazaarClient = (url) => withBazaar(new HTTPFacilitatorClient({ url }));
