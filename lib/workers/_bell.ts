/**
 * Waking those who sleep on a word, at the price of one load where nobody does.
 *
 * A bell is a flag and a counter. Who waits reads the counter, sets the flag (`arm`), looks whether
 * what it waits for has come, and sleeps only while the counter is as it was read. Who has brought
 * something about looks at the flag afterwards, and if it is set clears it, counts and wakes all
 * (`ring`).
 *
 * **No wake-up is lost.** Say one has looked in vain and sleeps. What it waits for came after its
 * look, hence after it had set the flag, so whoever brought it about found the flag set, and
 * counts; or found that another had cleared it since, and then that other counts after clearing it,
 * which is after the counter was read. Either way the counter changes, and the sleeper wakes. One
 * that dies between clearing and counting leaves that to whoever reaps it, who counts in any case
 * (`toll`). The flag is cleared by those who count alone: a zombie that sets it once more costs a
 * needless call, and nothing else.
 */
import type { Words } from "./_memory.ts";

/** See above. */
export class Bell {
  /** The counter: which word to wait on. */
  readonly signal: number;
  readonly #words: Words;
  readonly #flag: number;

  /** The bell whose flag is at `at`, and its counter behind that. */
  constructor(words: Words, at: number) {
    this.#words = words;
    this.#flag = at;
    this.signal = at + 1;
  }

  /** To be called between reading the counter and looking. */
  arm(): void {
    Atomics.store(this.#words, this.#flag, 1);
  }

  /** Wakes those who sleep, if any do. */
  ring(): void {
    if (Atomics.load(this.#words, this.#flag) !== 0) this.toll();
  }

  /** Wakes whoever sleeps. */
  toll(): void {
    Atomics.store(this.#words, this.#flag, 0);
    Atomics.add(this.#words, this.signal, 1);
    Atomics.notify(this.#words, this.signal);
  }
}
