/** Waiting for what other threads bring about, without sleeping. */
import { setImmediate } from "node:timers/promises";

/** Lets everything else run until `condition` holds; throws when it does not within 20 s. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const begun = performance.now();
  while (!condition()) {
    if (performance.now() - begun > 20_000) throw new Error(`Waited too long for ${what}`);
    await setImmediate();
  }
}
