/**
 * A store in files, for the processes of one machine.
 *
 * @module
 */
import { checkFolder } from "../_folder_path.ts";
import { currentHost, withHost } from "../_host.ts";
import { checkLockOptions } from "../_options.ts";
import { FileLock, type FileLockOptions } from "../file_lock.ts";
import { Engine } from "./_engine.ts";
import { FileBackend } from "./_file_backend.ts";
import { checkKeep } from "./_key.ts";
import { Stripes } from "./_stripes.ts";
import { VersionedStore } from "./versioned_store.ts";

/** What a `FileStore` may be built with; all but `keep` is for its locks. */
export interface FileStoreOptions extends Omit<FileLockOptions, "stats"> {
  /**
   * How many values of each key are kept, the newest among them, for `get` with a `version`. What
   * counts is what the process says that writes the key.
   *
   * @default 1
   */
  keep?: number;
}

/**
 * A store in the files of one folder, for the Deno and Bun processes of one machine. It promises what
 * every {@linkcode VersionedStore} does, to all of them.
 *
 * ### Guarantees, beyond those
 *
 * - **Crashes**: a process that is killed at any moment leaves all of a commit or nothing of it, be it
 *   of one key, of a transaction or of a `load`, and its locks are free. So does a power loss; and
 *   once a write has resolved it survives one. (A reader may see it a moment before that is so.)
 * - **Readers never wait** and take no lock: they read a manifest that is replaced and never changed,
 *   and content files that are not changed either. A `get` whose content is replaced and removed just
 *   between the two looks again, so it answers a value that was there during the call.
 * - **Content that is replaced is removed** by the next commit after nobody needs it any more. A
 *   snapshot, of whatever process, keeps what it needs until it is disposed of or its process has
 *   died. What a dead process has left half done is removed before another's first write, or by
 *   {@linkcode collect}.
 * - **Damage** to a file, or a manifest that is none, throws a {@linkcode CorruptError} that names
 *   the file; nothing is written on top of it.
 * - **Failing**: a write that rejects has changed nothing, unless what failed was to make it
 *   durable, when it was visible already; the error says so.
 *
 * ### Files
 *
 * `manifest` says which key has which content; a commit writes it anew, under one lock, and renames it
 * into place. So a commit costs, besides the values themselves, time in proportion to the number of
 * keys: 3.7 ms for each thousand on a busy machine, where a store of ten keys took 16 to 24 ms for
 * the disk (`deno task bench:store`). Writers of one process that wait together are committed
 * together. `content` has a file for each value, whose name has nothing to do with its key; `live` has
 * a file for each store object that has written or taken a snapshot, locked while it lives; `locks`
 * are the locks. All are for their owner alone (0600 and 0700) and made by the first write.
 *
 * The same folder may be opened by any number of objects in any number of processes. One descriptor
 * is kept open for the manifest and one in `live`, besides those of {@linkcode FileLock}, whose limits
 * are also those of this. Whoever can write in the folder can do anything to the store.
 *
 * On Deno this needs `--allow-read` for the folder, `--allow-write` to write or to take a snapshot;
 * the first write also syncs the folder above, if it may read it.
 *
 * After `FileStore` of rust-keyvault, without its lock around everything.
 *
 * @example
 * ```ts
 * import { FileStore } from "@interlock/core/store";
 * import assert from "node:assert/strict";
 * import { mkdtempSync, rmSync } from "node:fs";
 * import { tmpdir } from "node:os";
 *
 * const folder = mkdtempSync(`${tmpdir()}/interlock-`);
 * using store = new FileStore(folder);
 * const reader = new FileStore(folder).readOnly(); // in another process, perhaps
 *
 * await store.set("config", { colour: "blue" });
 * await store.transaction((tx) => {
 *   tx.set("picture", new Uint8Array([1, 2, 3]));
 *   tx.set("config", { colour: "red", picture: true });
 * });
 * assert.deepEqual((await reader.get("config"))?.value, { colour: "red", picture: true });
 * assert.deepEqual((await reader.list()).map(({ key }) => key), ["config", "picture"]);
 * rmSync(folder, { recursive: true });
 * ```
 */
export class FileStore extends VersionedStore implements Disposable {
  readonly #backend: FileBackend;
  readonly #path: string;

  /**
   * Names the folder; nothing is created or opened yet.
   *
   * @param folder The folder, existing or not; a relative path counts from the working folder of now.
   * @param options How many values of a key are kept, and what its locks are built with.
   * @throws {TypeError} when `folder` cannot be a folder's, or an option has the wrong type
   * @throws {RangeError} when an option is out of its range
   * @throws {UnsupportedError} when the runtime has no flock
   */
  constructor(folder: string | URL, options: FileStoreOptions = {}) {
    const action = "create file store";
    checkLockOptions(options, action);
    const keep = checkKeep(options.keep ?? 1, action);
    const host = currentHost();
    const path = checkFolder(host.files, folder, action);
    const { label: name = path, retry, onContention, contentionAfter } = options;
    const makeLock = (file: string, what: string) => {
      const label = `${what} of ${name}`;
      const lockOptions = { label, retry, onContention, contentionAfter };
      return withHost(host, () => new FileLock(`${path}/locks/${file}`, lockOptions));
    };
    const lock = makeLock("manifest", "the manifest");
    const keys: FileLock[] = [];
    const stripes = new Stripes(host, (stripe) => {
      const made = makeLock(`keys-${stripe}`, "keys");
      keys.push(made);
      return made;
    });
    const closed = () => [lock, ...keys].forEach((each) => each.close());
    const backend = new FileBackend(host, path, { name, keep, lock, closed });
    super(new Engine(backend, stripes));
    this.#backend = backend;
    this.#path = path;
  }

  /** The absolute path of the folder. */
  get path(): string {
    return this.#path;
  }

  /**
   * Removes what is in the files and nobody needs: content that was replaced and is not looked at any
   * more, and what processes that have died left half done. Commits do this by themselves, so it is
   * of use only where there are none for long.
   *
   * @returns How many content files were removed.
   * @throws {TypeError} when this is closed
   * @throws {CorruptError} when the manifest is damaged
   * @throws {Error} when the files cannot be read or written
   */
  collect(): number {
    using _use = this.#backend.use("collect", true);
    return this.#backend.collect();
  }

  /**
   * Closes what is open. What is under way, and snapshots that are not disposed of, go on; what is
   * asked for later throws. Does nothing the second time. Without it the files stay open as long as the
   * process lives.
   */
  close(): void {
    this.#backend.close();
  }

  /** The same as {@linkcode close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}
