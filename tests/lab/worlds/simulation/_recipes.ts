/** Ways to replace a file's content, from the naive to the durable one. */
import type { Files } from "../../../../lab/worlds/simulation/mod.ts";

export const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A file's content as text; `undefined` when there is no file. */
export function readText(files: Files, path: string): string | undefined {
  const bytes = files.readFile(path);
  return bytes && new TextDecoder().decode(bytes);
}

/** Writes a whole file, in place. */
export function writeInPlace(files: Files, path: string, text: string, sync = true): void {
  const file = files.open(path, { create: true });
  file.truncate(0);
  file.write(encode(text), 0);
  if (sync) file.sync();
  file.close();
}

/** Writes a new file and puts it in the place of the old one. */
export function writeAside(
  files: Files,
  path: string,
  text: string,
  { sync, syncFolder }: { sync: boolean; syncFolder: boolean },
): void {
  const aside = `${path}.new`;
  writeInPlace(files, aside, text, sync);
  files.rename(aside, path);
  if (syncFolder) files.syncFolder(files.folderOf(path));
}

/** The full recipe: write aside, sync the file, rename, sync the folder. */
export function writeDurably(files: Files, path: string, text: string): void {
  writeAside(files, path, text, { sync: true, syncFolder: true });
}
