// SPDX-License-Identifier: Apache-2.0
// Row 4: the steps by themselves, in one process each, without a network.

import { here, program, runPinned } from "../harness.mjs";

export async function micro() {
  const ours = await runPinned({ name: "bench_micro", command: program("bench_micro"), args: [], deadlineMs: 60_000 });
  const reference = await runPinned({
    name: "reference micro",
    command: process.execPath,
    args: [here("peers/micro.mjs")],
    deadlineMs: 60_000,
  });
  return { ours, reference };
}
