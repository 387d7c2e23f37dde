/** Versions in memory: `Snapshots` of a persistent map. */
import { Snapshots } from "../snapshots.ts";
import type { Backend, PinnedVersion } from "./_backend.ts";
import type { StoredValue } from "./_value.ts";
import { type Changes, Version } from "./_version.ts";

/** Memory needs no closing. */
const used: Disposable = { [Symbol.dispose]() {} };

/** See above. */
export class MemoryBackend implements Backend<StoredValue> {
  readonly name: string;
  readonly keep: number;
  readonly #snapshots: Snapshots<Version<StoredValue>>;

  constructor(name: string, keep: number) {
    this.name = name;
    this.keep = keep;
    this.#snapshots = new Snapshots(Version.empty<StoredValue>(), { label: name });
  }

  use(): Disposable {
    return used;
  }

  current(): Version<StoredValue> {
    return this.#snapshots.current;
  }

  pin(): PinnedVersion<StoredValue> {
    const pin = this.#snapshots.pin();
    return { version: pin.value, [Symbol.dispose]: () => pin[Symbol.dispose]() };
  }

  read(content: StoredValue): StoredValue {
    return content;
  }

  stage(value: StoredValue): StoredValue {
    return value;
  }

  discard(): void {}

  // Nobody comes between, for there is no `await` in it; async, for the interface.
  // deno-lint-ignore require-await
  async commit(changes: Changes<StoredValue>): Promise<number> {
    const base = this.#snapshots.current;
    return this.#snapshots.commit(base.epoch, base.next(changes, this.keep).version);
  }
}
