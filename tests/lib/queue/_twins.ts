/** A table that does not count what it applied. */
import { decodeVersion, encodeVersion } from "../../../lib/_file_version.ts";
import { altered, type Twin } from "../_altered.ts";

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
