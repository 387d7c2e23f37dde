/** Where the versions of a store are. `C` is how the values in them are referred to. */
import type { StoreWait } from "./store.ts";
import type { StoredValue } from "./_value.ts";
import type { Changes, Version } from "./_version.ts";

/** A version that is kept until this is disposed of. */
export interface PinnedVersion<C> extends Disposable {
  readonly version: Version<C>;
}

/** See above. */
export interface Backend<C> {
  /** What the store is called, in errors. */
  readonly name: string;
  /** How many versions of each key are kept. */
  readonly keep: number;
  /**
   * Until it is disposed of, closing waits. Throws once the store is closed.
   *
   * @param action What for, in errors.
   * @param writes Whether something may be staged; then all is made ready for that.
   */
  use(action: string, writes: boolean): Disposable;
  /** The version that is current. */
  current(): Version<C>;
  /** The same, kept. */
  pin(): PinnedVersion<C>;
  /** A value of a version; `undefined` if that is current no longer, nor pinned, and it is gone. */
  read(content: C, version: number): StoredValue | undefined;
  /** Puts a value where a commit can refer to it. */
  stage(value: StoredValue): C;
  /** Takes away again what has been staged, as far as no version refers to it. */
  discard(staged: readonly C[]): void;
  /** Makes the next version current, when its turn has come; answers its epoch. */
  commit(changes: Changes<C>, wait: StoreWait): Promise<number>;
}
