/**
 * Seeded random numbers that are the same on every runtime: 32-bit integer arithmetic only.
 *
 * The generator is sfc32 (Chris Doty-Humphrey, PractRand), seeded through its own first outputs.
 */
export class Prng {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /**
   * Starts from a seed.
   *
   * @param seed Any whole number; its low 32 bits count.
   */
  constructor(seed: number) {
    this.#a = 0x9e3779b9;
    this.#b = 0x243f6a88;
    this.#c = seed | 0;
    for (let i = 0; i < 12; i++) this.next();
  }

  /** The next 32 bits, as a number from 0 to 2^32 - 1. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum | 0;
    return sum >>> 0;
  }

  /** A whole number from 0 up to `limit`; the bias is below `limit` in 2^32. */
  below(limit: number): number {
    return Math.floor(this.next() / 0x1_0000_0000 * limit);
  }
}
