/** One of several who use a store at once: random calls, each recorded for the lab's checker. */
import type { Recorder } from "../../../lab/mod.ts";
import type { Store } from "../../../lib/store/mod.ts";

/** Who calls, and how. */
export interface Client {
  readonly name: string;
  readonly store: Store;
  readonly calls: Recorder;
  /** The keys it uses. */
  readonly keys: readonly string[];
  /** A number from 0 up to 1. */
  random(): number;
}

/** Makes so many calls, one after the other. */
export async function callAtRandom(client: Client, times: number): Promise<void> {
  const { name, store, calls, keys, random } = client;
  const below = (limit: number) => Math.floor(random() * limit);
  /** What it last saw at each key, for `compareAndSet`. */
  const seen = new Map<string, { readonly text: string | null; readonly version?: number }>();
  for (let i = 0; i < times; i++) {
    const key = keys[below(keys.length)];
    const text = `${name}${i};`;
    const call = <R>(operation: string, input: unknown, perform: () => Promise<R>) =>
      calls.call(name, operation, input, perform, key);
    const kind = below(10);
    if (kind < 3) {
      await call("get", undefined, async () => {
        const entry = await store.get<string>(key);
        seen.set(key, { text: entry?.value ?? null, version: entry?.version });
        return entry?.value ?? null;
      });
    } else if (kind < 5) {
      await call("put", text, async () => void await store.set(key, text));
    } else if (kind < 7) {
      await call("append", text, () =>
        store.transaction(async (tx) => {
          tx.set(key, ((await tx.get<string>(key))?.value ?? "") + text);
        }, kind === 5 ? { keys: [key] } : {}));
    } else if (kind < 8) {
      await call("delete", undefined, () => store.delete(key));
    } else {
      const { text: expected, version } = seen.get(key) ?? { text: null };
      await call(
        "cas",
        [expected, text],
        async () => await store.compareAndSet(key, version, text) !== undefined,
      );
    }
  }
}
