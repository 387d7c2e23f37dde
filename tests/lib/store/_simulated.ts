/** Stores in the simulation, as they are and with one thing done wrong. */
import type {
  CrashOptions,
  CrashProgram,
  CrashVerdict,
  Files,
  Host,
  OpenFile,
} from "../../../lab/worlds/simulation/mod.ts";
import { exploreCrashes } from "../../../lab/worlds/simulation/mod.ts";
import { withHost } from "../../../lib/_host.ts";
import { FileStore, type FileStoreOptions } from "../../../lib/store/mod.ts";

/** Where the stores are. */
export const FOLDER = "/data/app/store";

/** Changes what a process's files do. */
export type Twin = (files: Files) => Partial<Files>;

/** Changes nothing. */
export const none: Twin = () => ({});

/** Opens a store whose files are those of `host`, changed by `twin`. */
export function openStore(host: Host, twin: Twin = none, options?: FileStoreOptions): FileStore {
  const files = { ...host.files, ...twin(host.files) };
  return withHost(changed(host, { files }), () => new FileStore(FOLDER, options));
}

/**
 * Opens a store after a crash. Then the simulation's processes draw the same numbers again as those
 * before, which no real one does; so these are others.
 */
export function openAfterCrash(host: Host): FileStore {
  const random = () => (host.random() + 0.5) % 1;
  return withHost(changed(host, { random }), () => new FileStore(FOLDER));
}

/** A host that is another in some respects. */
function changed(host: Host, parts: Partial<Host>): Host {
  return new Proxy(host, {
    get(target, name) {
      if (name in parts) return parts[name as keyof Host];
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** A file with some of its methods replaced. */
export function altered(file: OpenFile, methods: Partial<OpenFile>): OpenFile {
  return {
    id: file.id,
    read: (buffer, position) => file.read(buffer, position),
    write: (buffer, position) => file.write(buffer, position),
    size: () => file.size(),
    truncate: (size) => file.truncate(size),
    sync: () => file.sync(),
    tryLock: (mode) => file.tryLock(mode),
    unlock: () => file.unlock(),
    close: () => file.close(),
    ...methods,
  };
}

/** Explores with blocks that are small beside what these tests write. */
export function explore<T>(
  program: CrashProgram<T>,
  options: CrashOptions = {},
): Promise<CrashVerdict> {
  return exploreCrashes(program, { blockSize: 64, disks: 4096, checks: 100_000, ...options });
}
