/** Memory that may still be used, in bytes, for one check as a whole. */
export class Allowance {
  #left: number;

  /** @param bytes How much there is. */
  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** Takes `bytes` if there are as many left; answers whether it did. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  /** Gives back what was taken. */
  give(bytes: number): void {
    this.#left += bytes;
  }
}
