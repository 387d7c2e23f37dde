/** Texts in files that are replaced by renaming, so that readers find one or the other. */
import { currentHost, type Host } from "../../lib/_host.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A folder of texts. */
export class TextFolder {
  readonly #host: Host = currentHost();
  readonly #folder: string;
  readonly #own = `.${Math.floor(currentHost().random() * 2 ** 32).toString(36)}`;

  /** @param folder Where the texts are; it must exist. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The names of the texts. */
  names(): string[] {
    return this.#host.files.list(this.#folder).filter((name) => !name.startsWith("."));
  }

  /** A text; `undefined` when there is none of that name. */
  read(name: string): string | undefined {
    const bytes = this.#host.files.readFile(`${this.#folder}/${name}`);
    return bytes && decoder.decode(bytes);
  }

  /** Replaces a text. Nothing is synced. */
  write(name: string, text: string): void {
    const { files } = this.#host;
    const aside = `${this.#folder}/${this.#own}`;
    const file = files.open(aside, { create: true, mode: 0o600 });
    file.write(encoder.encode(text), 0);
    file.close();
    files.rename(aside, `${this.#folder}/${name}`);
  }

  /** Takes a text away; answers whether it was there. */
  remove(name: string): boolean {
    try {
      this.#host.files.remove(`${this.#folder}/${name}`);
      return true;
    } catch (error) {
      if ((error as { code?: string }).code === "ENOENT") return false;
      throw error;
    }
  }
}
