/**
 * Versions in files. In the folder are
 *
 * - `manifest`: which key has which content, replaced as a whole (`_manifest.ts`),
 * - `content/`: a file for each value, never written to again once a manifest refers to it,
 * - `live/`: who is alive, and which versions are pinned (`_lease.ts`),
 * - `locks/`: the locks of keys, and the one for the manifest.
 *
 * What always holds:
 *
 * - **A manifest refers only to content that lasts.** Content is synced when it is staged, and its
 *   name in `#publish`, before the manifest that refers to it is written.
 * - **A manifest is made from the one before it**, for `#publish` runs under the manifest's lock, and
 *   has no `await` in it. It is there, for all and for good, when `ManifestFile.replace` has returned.
 * - **Content is removed only when nobody can need it**; see `_contents.ts`.
 */
import { makeLastingFolder } from "../_file_replace.ts";
import type { Host } from "../_host.ts";
import { describeThrown } from "../_thrown.ts";
import { Uses } from "../_uses.ts";
import { CorruptError } from "../errors.ts";
import type { ReadWriteLock } from "../lock.ts";
import type { Backend, PinnedVersion } from "./_backend.ts";
import { Contents } from "./_contents.ts";
import { Lease } from "./_lease.ts";
import type { ContentRef, Manifest, Retired } from "./_manifest.ts";
import { ManifestFile } from "./_manifest_file.ts";
import type { StoreWait } from "./store.ts";
import type { StoredValue } from "./_value.ts";
import type { Changes, Version } from "./_version.ts";

/** A commit that waits for its turn, or for somebody of this process who has his. */
interface Pending {
  readonly changes: Changes<ContentRef>;
  outcome: { readonly epoch: number } | { readonly error: unknown } | undefined;
}

/** What a file backend is made with. */
export interface FileBackendOptions {
  readonly name: string;
  readonly keep: number;
  /** The lock for the manifest. */
  readonly lock: ReadWriteLock;
  /** Told when all that was in use has ended, after `close`. */
  readonly closed: () => void;
}

/** See above. */
export class FileBackend implements Backend<ContentRef> {
  readonly name: string;
  readonly keep: number;
  readonly #host: Host;
  readonly #folder: string;
  readonly #lock: ReadWriteLock;
  readonly #manifest: ManifestFile;
  readonly #contents: Contents;
  readonly #closed: () => void;
  readonly #uses = new Uses();
  #pending: Pending[] = [];
  #lease: Lease | undefined;

  constructor(host: Host, folder: string, { name, keep, lock, closed }: FileBackendOptions) {
    this.name = name;
    this.keep = keep;
    this.#host = host;
    this.#folder = folder;
    this.#lock = lock;
    this.#closed = closed;
    this.#manifest = new ManifestFile(host.files, `${folder}/manifest`);
    this.#contents = new Contents(host.files, folder, this.#manifest);
  }

  use(action: string, writes: boolean): Disposable {
    if (this.#uses.closing) throw new TypeError(`Cannot ${action}: this FileStore is closed`);
    if (writes) this.#takeLease();
    return this.#uses.begin();
  }

  current(): Version<ContentRef> {
    return this.#manifest.read().version;
  }

  pin(): PinnedVersion<ContentRef> {
    const lease = this.#takeLease();
    const { epoch } = this.current();
    lease.pin(epoch);
    try {
      // Perhaps a newer one, which the pin keeps as well; what it needs cannot go away any more.
      const version = this.current();
      return { version, [Symbol.dispose]: () => lease.unpin(epoch) };
    } catch (error) {
      lease.unpin(epoch);
      throw error;
    }
  }

  read(content: ContentRef, version: number): StoredValue | undefined {
    return this.#contents.read(content, version);
  }

  stage(value: StoredValue): ContentRef {
    return this.#writing(() => this.#contents.write(this.#takeLease(), value));
  }

  discard(staged: readonly ContentRef[]): void {
    this.#contents.discard(staged);
  }

  async commit(changes: Changes<ContentRef>, wait: StoreWait): Promise<number> {
    const pending: Pending = { changes, outcome: undefined };
    this.#pending.push(pending);
    try {
      using _turn = await this.#lock.write(wait);
      // Whoever has the turn commits for all of this process, who then need none of their own.
      if (pending.outcome === undefined) this.#commitAll();
    } catch (error) {
      if (pending.outcome === undefined) {
        this.#pending = this.#pending.filter((other) => other !== pending);
        throw error;
      }
    }
    if ("error" in pending.outcome!) throw pending.outcome.error;
    return pending.outcome!.epoch;
  }

  /** Removes what nobody can need any more, and answers how many files that were. */
  collect(): number {
    return this.#contents.collect(this.#takeLease());
  }

  /** Closes what is open, when nothing is in use any more. */
  close(): void {
    this.#uses.close(() => {
      this.#manifest.close();
      this.#closed();
      this.#lease?.end(this.#contents.clean);
    });
  }

  #commitAll(): void {
    const batch = this.#pending;
    this.#pending = [];
    try {
      const last = this.#writing(() => this.#publish(batch.map(({ changes }) => changes)));
      batch.forEach((pending, i) => pending.outcome = { epoch: last - batch.length + 1 + i });
    } catch (error) {
      for (const pending of batch) pending.outcome = { error };
    }
  }

  /** Makes a version for each of the changes, and the last one current; answers its epoch. */
  #publish(all: readonly Changes<ContentRef>[]): number {
    const lease = this.#takeLease();
    let { version, retired: old }: Manifest = this.#manifest.read();
    const { left, gone } = this.#contents.stillThere(old);
    const retired: Retired[] = [...left];
    for (const changes of all) {
      const step = version.next(changes, this.keep);
      version = step.version;
      for (const { id } of step.dropped) retired.push({ id, since: version.epoch });
    }
    const adds = all.some(({ entries }) => [...entries.values()].some((content) => content));
    // What is not retired any more must not come back; and what has been written must last.
    if (adds || gone) this.#contents.sync();
    this.#manifest.replace({ version, retired });
    quietly(() => this.#contents.removeRetired(retired, lease));
    return version.epoch;
  }

  /** The lease of this object, which makes the folders first; see `makeLastingFolder`. */
  #takeLease(): Lease {
    if (this.#lease !== undefined) return this.#lease;
    return this.#lease = this.#writing(() => {
      const { files } = this.#host;
      const live = `${this.#folder}/live`;
      makeLastingFolder(files, `${this.#folder}/content`);
      makeLastingFolder(files, live);
      const lease = Lease.take(this.#host, live);
      quietly(() => this.#contents.removeOfDead(lease));
      return lease;
    });
  }

  #writing<R>(write: () => R): R {
    try {
      return write();
    } catch (error) {
      if (error instanceof CorruptError) throw error;
      throw new Error(`Cannot write ${this.#folder}: ${describeThrown(error)}`, { cause: error });
    }
  }
}

/** Does what another will do later if it fails, and what nobody waits for. */
function quietly(tidy: () => void): void {
  try {
    tidy();
  } catch {
    // What is left is found again; what is wrong, whoever needs it will tell.
  }
}
