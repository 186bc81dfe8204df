// SPDX-License-Identifier: Apache-2.0
// A folder for a test's files.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/// Returns `{path(name), write(name, content), remove()}`.
export async function makeFolder() {
  const folder = await mkdtemp(join(tmpdir(), "farthing-e2e-"));
  return {
    folder,
    path: (name) => join(folder, name),
    async write(name, content) {
      await writeFile(join(folder, name), content);
      return join(folder, name);
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
