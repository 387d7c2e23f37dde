/**
 * The manifest's file: read only when it is another than the one that was read before.
 *
 * What always holds: the file that is cached is kept open. So no other can have its inode, and what is
 * at the path is what was read exactly if it has the same one: each manifest is a file of its own,
 * which is never written to again.
 */
import { sameFile } from "../_file_gate.ts";
import { replaceFile } from "../_file_replace.ts";
import type { Files, OpenFile } from "../_host.ts";
import { decodeManifest, encodeManifest, type Manifest, noManifest } from "./_manifest.ts";

const MODE = 0o600;

/** See above. */
export class ManifestFile {
  readonly path: string;
  readonly #files: Files;
  #file: OpenFile | undefined;
  #manifest: Manifest | undefined;

  constructor(files: Files, path: string) {
    this.#files = files;
    this.path = path;
  }

  /**
   * What is current.
   *
   * @throws {CorruptError} when the file is damaged
   * @throws {Error} when it cannot be read
   */
  read(): Manifest {
    const id = this.#files.identify(this.path);
    if (id === undefined) {
      this.close();
      return noManifest;
    }
    if (this.#manifest !== undefined && sameFile(id, this.#file!.id)) return this.#manifest;
    return this.#load();
  }

  /** Puts another in its place, for good. To be called by one at a time, in all processes. */
  replace(manifest: Manifest): void {
    replaceFile(this.#files, this.path, encodeManifest(manifest), MODE);
    this.close();
    try {
      // Nobody else could put another in its place meanwhile.
      const file = this.#open();
      if (file !== undefined) this.#keep(file, manifest);
    } catch {
      // It is there; whoever reads it next opens it.
    }
  }

  /** Closes what is open; it is opened again when it is read. */
  close(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#manifest = undefined;
  }

  #load(): Manifest {
    this.close();
    const file = this.#open();
    if (file === undefined) return noManifest;
    try {
      const bytes = new Uint8Array(file.size());
      const manifest = decodeManifest(bytes.subarray(0, file.read(bytes, 0)), this.path);
      this.#keep(file, manifest);
      return manifest;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  #keep(file: OpenFile, manifest: Manifest): void {
    // Where there are no inodes, files of one path cannot be told apart.
    if (typeof file.id.ino === "string") return file.close();
    this.#file = file;
    this.#manifest = manifest;
  }

  #open(): OpenFile | undefined {
    try {
      return this.#files.open(this.path, { create: false, readOnly: true });
    } catch (error) {
      if ((error as { code?: unknown }).code === "ENOENT") return undefined;
      throw error;
    }
  }
}
