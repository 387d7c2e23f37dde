/** Stores in the simulation, as they are and as twins. */
import type {
  CrashOptions,
  CrashProgram,
  CrashVerdict,
  Host,
} from "../../../lab/worlds/simulation/mod.ts";
import { exploreCrashes } from "../../../lab/worlds/simulation/mod.ts";
import { withHost } from "../../../lib/_host.ts";
import { FileStore, type FileStoreOptions } from "../../../lib/store/mod.ts";
import { changed, none, type Twin, twinOf } from "../_altered.ts";

/** Where the stores are. */
export const FOLDER = "/data/app/store";

/** Opens a store whose files are those of `host`, changed by `twin`. */
export function openStore(host: Host, twin: Twin = none, options?: FileStoreOptions): FileStore {
  return withHost(twinOf(host, twin), () => new FileStore(FOLDER, options));
}

/**
 * Opens a store after a crash. Then the simulation's processes draw the same numbers again as those
 * before, which no real one does; so these are others.
 */
export function openAfterCrash(host: Host): FileStore {
  const random = () => (host.random() + 0.5) % 1;
  return withHost(changed(host, { random }), () => new FileStore(FOLDER));
}

/** Explores with blocks that are small beside what these tests write. */
export function explore<T>(
  program: CrashProgram<T>,
  options: CrashOptions = {},
): Promise<CrashVerdict> {
  return exploreCrashes(program, { blockSize: 64, disks: 4096, checks: 100_000, ...options });
}
