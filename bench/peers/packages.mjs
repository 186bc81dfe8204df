// SPDX-License-Identifier: Apache-2.0
// The reference packages at the versions that tests/interop pins, and what every peer program does around them.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { listen } from "../../tests/interop/lib/http.mjs";
import "../../tests/interop/lib/node18.mjs";

const interop = fileURLToPath(new URL("../../tests/interop/package.json", import.meta.url));

export const reference = createRequire(interop);

/// The installed version of a package, from its own package.json.
export const versionOf = (name) =>
  JSON.parse(readFileSync(join(dirname(interop), "node_modules", name, "package.json"), "utf8")).version;

/// Listens on a free port, says where in one line, and ends with code 0 on SIGTERM.
export async function serveUntilTold(server) {
  const listening = await listen(server);
  process.once("SIGTERM", () => listening.close().then(() => process.exit(0)));
  console.log(JSON.stringify({ event: "listening", url: listening.url }));
}
