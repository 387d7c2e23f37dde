/**
 * A short text in memory that threads share. A word says whether somebody is at it, and whoever wants
 * to be spins for the microsecond that takes: a text is read and replaced whole.
 */

/** How many bytes there are for the text. */
const CAPACITY = 65_536;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** See the top of the file. */
export class SharedText {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  /** @param memory As `create` made it. */
  constructor(readonly memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory, 0, 2);
    this.#bytes = new Uint8Array(memory, 8);
  }

  /** Memory that holds a text. */
  static create(text: string): SharedArrayBuffer {
    const shared = new SharedText(new SharedArrayBuffer(8 + CAPACITY));
    shared.change(() => text);
    return shared.memory;
  }

  /** The text. */
  read(): string {
    return this.change((text) => text);
  }

  /**
   * Replaces the text by what `next` makes of it, with nobody in between.
   *
   * @returns The text it then is.
   */
  change(next: (text: string) => string): string {
    while (Atomics.compareExchange(this.#words, 0, 0, 1) !== 0);
    try {
      // A view of shared memory cannot be decoded itself.
      const before = decoder.decode(this.#bytes.slice(0, this.#words[1]));
      const after = next(before);
      if (after === before) return after;
      const bytes = encoder.encode(after);
      if (bytes.length > CAPACITY) {
        throw new RangeError(`Cannot share ${bytes.length} bytes: ${CAPACITY} are possible`);
      }
      this.#bytes.set(bytes);
      this.#words[1] = bytes.length;
      return after;
    } finally {
      Atomics.store(this.#words, 0, 0);
    }
  }
}
