/** Hosts and open files that do some things otherwise, for twins with a defect. */
import type { Files, Host, OpenFile } from "../../lib/_host.ts";

/** Changes what a process's files do. */
export type Twin = (files: Files) => Partial<Files>;

/** Changes nothing. */
export const none: Twin = () => ({});

/** Takes every lock for granted. */
export const unlocked: Twin = (files) => ({
  open: (path, options) => altered(files.open(path, options), { tryLock: () => true }),
});

/** The same process with some of its parts replaced. */
export function changed(host: Host, parts: Partial<Host>): Host {
  return {
    now: () => host.now(),
    timeOrigin: host.timeOrigin,
    setTimer: (callback, ms) => host.setTimer(callback, ms),
    clearTimer: (timer) => host.clearTimer(timer),
    random: () => host.random(),
    files: host.files,
    ...parts,
  };
}

/** The same process with other files. */
export function twinOf(host: Host, twin: Twin): Host {
  return changed(host, { files: { ...host.files, ...twin(host.files) } });
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
