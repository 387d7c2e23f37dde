/** The stores that one suite of tests is for. */
import { FileLock, RwLock } from "../../../mod.ts";
import {
  FileStore,
  type FileStoreOptions,
  LockedStore,
  MemoryStore,
  type Store,
} from "../../../lib/store/mod.ts";
import { Folder } from "../_folder.ts";

/** A store, with what has to be cleaned up after it. */
export interface Opened extends Disposable {
  readonly store: Store;
}

/** A kind of store. */
export interface Kind {
  readonly name: string;
  open(options?: Pick<FileStoreOptions, "keep">): Opened;
}

const nothing = () => {};

/** Every kind there is. */
export const kinds: readonly Kind[] = [
  {
    name: "MemoryStore",
    open: (options) => ({ store: new MemoryStore(options), [Symbol.dispose]: nothing }),
  },
  {
    name: "FileStore",
    open(options) {
      const folder = new Folder();
      const store = new FileStore(folder.at("store"), options);
      return {
        store,
        [Symbol.dispose]() {
          store.close();
          folder[Symbol.dispose]();
        },
      };
    },
  },
  {
    name: "LockedStore of a MemoryStore",
    open: (options) => ({
      store: new LockedStore(new MemoryStore(options), new RwLock()),
      [Symbol.dispose]: nothing,
    }),
  },
  {
    name: "LockedStore of a FileStore",
    open(options) {
      const folder = new Folder();
      const inner = new FileStore(folder.at("store"), options);
      const lock = new FileLock(folder.at("lock"));
      return {
        store: new LockedStore(inner, lock),
        [Symbol.dispose]() {
          inner.close();
          lock.close();
          folder[Symbol.dispose]();
        },
      };
    },
  },
];
