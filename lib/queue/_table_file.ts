/**
 * The file of a table, and what was in it when it was last read or written here.
 *
 * What always holds: `#known` is what its bytes say. The file is read whole each time and its bytes are
 * compared; only when they are the same ones is what they say not found out again, which takes ten
 * times as long. So it does not matter who wrote them, or whether the file was replaced meanwhile, by a
 * process that died or by hand.
 *
 * Who is about to change a content has it for himself: `take` leaves nothing known, until `publish` has
 * put it in the place of the old one, or `keep` gives it back as it was.
 */
import { replaceFile } from "../_file_replace.ts";
import type { Files } from "../_host.ts";
import { TableContent } from "./_table_content.ts";

/** Owners only, as lock files are. */
const MODE = 0o600;

interface Known {
  readonly bytes: Uint8Array;
  readonly content: TableContent;
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}

/** What one who may change the table has for himself. */
export interface Taken {
  readonly content: TableContent;
  /** Puts it back, when it was not changed. */
  keep(): void;
}

/** See the top of the file. */
export class TableFile {
  readonly #files: Files;
  readonly #path: string;
  #known: Known | undefined;

  constructor(files: Files, path: string) {
    this.#files = files;
    this.#path = path;
  }

  /**
   * What is in the table now, not to be changed; nothing at epoch 0 where there is no file.
   *
   * @throws {CorruptError} when the file is damaged, or is no table's
   */
  read(): TableContent {
    const bytes = this.#files.readFile(this.#path);
    if (bytes === undefined) return TableContent.empty();
    const known = this.#known;
    if (known !== undefined && same(known.bytes, bytes)) return known.content;
    const content = TableContent.decode(bytes, this.#path);
    this.#known = { bytes, content };
    return content;
  }

  /** The same to be changed, for those who have the table's lock. */
  take(): Taken {
    const content = this.read();
    const known = this.#known;
    this.#known = undefined;
    return { content, keep: () => this.#known = known };
  }

  /** Puts what has been taken and changed in the place of what the file is. */
  publish(changed: TableContent): void {
    const { content, bytes } = changed.next();
    replaceFile(this.#files, this.#path, bytes, MODE);
    this.#known = { bytes, content };
  }

  /** Lets go of what takes memory. */
  forget(): void {
    this.#known = undefined;
  }
}
