/** Open files that do some things otherwise, for twins with a defect. */
import type { OpenFile } from "../../lib/_host.ts";

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
