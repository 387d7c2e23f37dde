/**
 * The content files of a store, and when they go away.
 *
 * A content file is written once, by whoever staged it, and is then referred to by manifests, or never.
 * What a manifest drops stands in it, and in those after it, as retired, until it is found gone.
 *
 * What always holds: a file that is removed is referred to by no manifest that is current, that a power
 * loss could bring back, or that somebody alive looks at.
 *
 * - *Retired* files are removed only after the manifest in which they are retired has been made
 *   durable, and then only those since an epoch that no pin is older than. A reader who pins does so
 *   before he looks which manifest is current, and a collector looks for pins after his manifest is:
 *   so the one sees the pin, or the other a manifest that does without.
 * - *Other* files that the manifest does not have were staged and not committed. They are removed by
 *   whoever staged them, or when he is dead; and whether he is is looked at before the manifest is,
 *   so that he cannot have committed them in between.
 */
import { crc32 } from "../_crc32.ts";
import type { Files } from "../_host.ts";
import { CorruptError } from "../errors.ts";
import { deadLeases, type Lease, oldestPin, ownerOf, removeIfThere } from "./_lease.ts";
import { CONTENT_ID, type ContentRef, type Manifest, type Retired } from "./_manifest.ts";
import type { ManifestFile } from "./_manifest_file.ts";
import { bytesOf, storedFrom, type StoredValue } from "./_value.ts";

const MODE = 0o600;

/** See above. */
export class Contents {
  /** Whether all that was staged here and not committed is gone for good. */
  clean = true;
  readonly #files: Files;
  readonly #folder: string;
  readonly #content: string;
  readonly #live: string;
  readonly #manifest: ManifestFile;
  /** The oldest epoch that was pinned when that was last looked at. */
  #oldest = Infinity;

  /** `folder` is the store's. */
  constructor(files: Files, folder: string, manifest: ManifestFile) {
    this.#files = files;
    this.#folder = folder;
    this.#content = `${folder}/content`;
    this.#live = `${folder}/live`;
    this.#manifest = manifest;
  }

  /** Writes a value to a file of its own. Its bytes last, its name only after `sync`. */
  write(lease: Lease, value: StoredValue): ContentRef {
    const bytes = bytesOf(value);
    const id = lease.nextContent();
    const path = this.#pathOf(id);
    const file = this.#files.open(path, { create: true, exclusive: true, mode: MODE });
    try {
      file.write(bytes, 0);
      file.sync();
    } catch (error) {
      file.close();
      this.#removeStaged([id]);
      throw error;
    }
    file.close();
    return { id, format: value.format, length: bytes.length, crc: crc32(bytes) };
  }

  /**
   * Reads a value; `undefined` if its file is gone.
   *
   * @throws {CorruptError} when it is not what was written
   */
  read({ id, format, length, crc }: ContentRef, version: number): StoredValue | undefined {
    const path = this.#pathOf(id);
    const bytes = this.#files.readFile(path);
    if (bytes === undefined) return undefined;
    if (bytes.length !== length) {
      const reason = `it has ${bytes.length} bytes and should have ${length}`;
      throw new CorruptError(path, version, reason);
    }
    if (crc32(bytes) !== crc) {
      throw new CorruptError(path, version, "its checksum does not match");
    }
    try {
      return storedFrom(format, bytes);
    } catch {
      throw new CorruptError(path, version, "it is no JSON");
    }
  }

  /** Makes the names of all that has been written last, and those of what was removed not come back. */
  sync(): void {
    this.#files.syncFolder(this.#content);
  }

  /** Removes what has been staged and, as can be seen, has not been committed. */
  discard(staged: readonly ContentRef[]): void {
    if (staged.length === 0) return;
    let manifest: Manifest;
    try {
      manifest = this.#manifest.read();
    } catch {
      this.clean = false;
      return;
    }
    const needed = idsOf(manifest);
    this.#removeStaged(staged.map(({ id }) => id).filter((id) => !needed.has(id)));
  }

  /** Which retired files must still stand in the next manifest, and whether others are gone. */
  stillThere(retired: readonly Retired[]): { left: Retired[]; gone: boolean } {
    // What was pinned the last time nobody has removed since, or the next manifest is soon enough.
    const left = retired.filter(({ id, since }) =>
      since > this.#oldest || this.#files.identify(this.#pathOf(id)) !== undefined
    );
    return { left, gone: left.length < retired.length };
  }

  /** Removes what is retired in a manifest that lasts, as far as nobody needs it. */
  removeRetired(retired: readonly Retired[], lease: Lease): number {
    if (retired.length === 0) return 0;
    this.#oldest = oldestPin(this.#files, this.#live, lease);
    let removed = 0;
    for (const { id, since } of retired) {
      if (since <= this.#oldest && removeIfThere(this.#files, this.#pathOf(id))) removed++;
    }
    return removed;
  }

  /** Removes what the dead have staged and not committed, and their leases. */
  removeOfDead(lease: Lease): number {
    const dead = deadLeases(this.#files, this.#live, lease);
    try {
      if (dead.length === 0) return 0;
      // What they committed must last first. Else a power loss could bring back a manifest that does
      // without it, and nobody would know any more whose it was.
      this.#files.syncFolder(this.#folder);
      const needed = idsOf(this.#manifest.read());
      const owners = new Set(dead.map(({ id }) => id));
      const left = this.#files.list(this.#content)
        .filter((id) => CONTENT_ID.test(id) && owners.has(ownerOf(id)) && !needed.has(id));
      for (const id of left) removeIfThere(this.#files, this.#pathOf(id));
      this.sync();
      for (const each of dead) each.remove();
      return left.length;
    } finally {
      for (const each of dead) each[Symbol.dispose]();
    }
  }

  /** Removes all that nobody needs. */
  collect(lease: Lease): number {
    const ofDead = this.removeOfDead(lease);
    const { retired } = this.#manifest.read();
    // The manifest must last before what it does without goes away; whoever put it there may have died
    // before he had seen to that.
    this.#files.syncFolder(this.#folder);
    return ofDead + this.removeRetired(retired, lease);
  }

  #removeStaged(ids: readonly string[]): void {
    try {
      for (const id of ids) removeIfThere(this.#files, this.#pathOf(id));
      if (ids.length > 0) this.sync();
    } catch {
      // Left for others to remove, when this lease is over; what went wrong first is what counts.
      this.clean = false;
    }
  }

  #pathOf(id: string): string {
    return `${this.#content}/${id}`;
  }
}

/** All content that a manifest has. */
function idsOf({ version, retired }: Manifest): Set<string> {
  const ids = new Set(retired.map(({ id }) => id));
  for (const row of version.rows.values()) {
    for (const { content } of row) ids.add(content.id);
  }
  return ids;
}
