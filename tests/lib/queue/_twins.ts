/** Hosts whose files do something otherwise, so that what is built on them has a defect. */
import { decodeVersion, encodeVersion } from "../../../lib/_file_version.ts";
import type { Files, Host } from "../../../lib/_host.ts";
import { altered } from "../_altered.ts";

/** Changes what a process's files do. */
export type Twin = (files: Files) => Partial<Files>;

/** Changes nothing. */
export const none: Twin = () => ({});

/** The same process with other files. */
export function twinOf(host: Host, twin: Twin): Host {
  return {
    now: () => host.now(),
    timeOrigin: host.timeOrigin,
    setTimer: (callback, ms) => host.setTimer(callback, ms),
    clearTimer: (timer) => host.clearTimer(timer),
    random: () => host.random(),
    files: { ...host.files, ...twin(host.files) },
  };
}

/** What a table's file would be if it did not count what was applied. */
function withoutCount(bytes: Uint8Array | undefined): Uint8Array | undefined {
  if (bytes === undefined) return undefined;
  const { payload, ...version } = decodeVersion(bytes, "");
  const text = new TextDecoder().decode(payload).replace(/^applied .*/, "applied 0 f6466a2c");
  return encodeVersion({ ...version, payload: new TextEncoder().encode(text) });
}

const isTable = (path: string): boolean => path.endsWith("/table.csv");

/** Applies, then removes, and counts nothing. */
export const forgetful: Twin = (files) => ({
  readFile: (path) => isTable(path) ? withoutCount(files.readFile(path)) : files.readFile(path),
  open(path, options) {
    const file = files.open(path, options);
    if (!isTable(path)) return file;
    return altered(file, {
      read(buffer) {
        const bytes = withoutCount(files.readFile(path))!.subarray(0, buffer.length);
        buffer.set(bytes);
        return bytes.length;
      },
    });
  },
});

/** Takes every lock for granted. */
export const unlocked: Twin = (files) => ({
  open: (path, options) => altered(files.open(path, options), { tryLock: () => true }),
});
