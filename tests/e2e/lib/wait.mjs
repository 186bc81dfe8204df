// SPDX-License-Identifier: Apache-2.0
// Waiting for something that can be looked at, with a deadline and never for a fixed time.

const LOOK_EVERY_MS = 10;

/// The first value of `look()` that is not false or undefined. `what` is said when the deadline passes.
export async function until(what, look, deadlineMs = 10_000) {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const value = await look();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/// A promise with its ends outside: `{promise, open(value)}`.
export function gate() {
  let open;
  const promise = new Promise((resolve) => (open = resolve));
  return { promise, open };
}
