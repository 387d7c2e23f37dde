/**
 * Versions of a value in shared memory: the algorithm, without any waiting.
 *
 * There are a few *slots*, each with room for one version, and one word that says which of them is
 * current. A version is in one slot from when it is written to when the slot is written again, and
 * its bytes are never changed meanwhile.
 *
 * **Nobody writes where somebody reads.** A reader marks the slot that is current (`Seat.mark`), and
 * then looks whether it still is; if not, it takes its mark away and marks the one that is. A writer,
 * which has the turn to write and so is the only one that moves the current word, first reads that
 * word and then looks at all marks; it takes a slot that is neither current nor marked. All of these
 * are atomic, so they have one order that all threads agree on. Say a reader, after its mark, found
 * slot `s` current, and a writer takes `s`. If the mark is not taken away before the writer looks at
 * it, then the writer looked before the reader marked, or it would have found the mark. So the
 * writer had read the word before, and `s` was not current then, nor can it become so before the
 * writer publishes it: what the reader found current is what the writer published, whole. And what
 * a reader has read of a slot comes before its mark is taken away, that before the writer looks, and
 * that before anything is written.
 *
 * It does not matter whether the slot has been written again between the reader's first look and its
 * mark: what it pins is what the second look finds. So the word needs no number to tell one
 * publication from another; it has one (`STAMP`) for those below.
 *
 * **Readers do not wait.** They look again only when a writer has published between two looks that
 * are a few operations apart, and never because one is slow, stands still or is dead.
 *
 * **Publishing is one step**, a compare-and-swap of the current word: before it the version is
 * nobody's, after it everybody's. A writer that dies before has changed nothing but a slot that is
 * not current. One that is reaped and runs on cannot publish: whoever reaps marks its seat and then
 * changes the stamp of the word, so if it read the word after that it finds its seat gone, and if
 * before, its swap fails. (The stamp counts to 2^27 and wraps; see `_lock_seat.ts`.) Only then does
 * the reaper take the turn away from it. So whoever has the turn next finds a word that nobody else
 * moves, as did the one before.
 *
 * **Two never write to one slot**, though one of them be dead. A slot counts how often it has been
 * written to, and says whether it is being written to. A writer reads that before it looks whether
 * the slot is free, and begins by a compare-and-swap from what it read: so nobody has written there
 * since, and it is as free as it was. The one exception: a thread that died while it was copying
 * into a slot cannot be told from one that was reaped and goes on copying. Such a slot is taken only
 * when there is no other; if that happens while a thread that was reaped in its copy still goes on
 * with it, the two mix.
 */
import { Bell } from "./_bell.ts";
import type { Words } from "./_memory.ts";
import type { Besides } from "./_lock_seat.ts";
import { type Seat, seatsEnd } from "./_seat.ts";
import { type SlotBytes, SlotVersion } from "./_slot_pin.ts";
import {
  CAPACITY,
  CHANGED,
  COUNT,
  CURRENT,
  EPOCH_HIGH,
  EPOCH_LOW,
  FREED,
  LENGTH,
  SLOTS,
  slotWords,
  STRIDE,
  USE,
} from "./_slots_memory.ts";

/** How a slot is used: whether it is being written to, and how often it has been. */
const WRITING = 1;
const TIMES = 2;

/** What the current word says in its lowest bits is the slot. */
const SLOT = 31;
const STAMP = 32;

/** A slot that can be written to, as it was found. */
export interface FreeSlot {
  readonly slot: number;
  /** How it was used up to then. */
  readonly use: number;
}

/** The slots as one owner sees them; its thread alone may use it. */
export class Slots implements Besides {
  /** How many there are. */
  readonly count: number;
  /** How many bytes a version may have. */
  readonly capacity: number;
  /** Rings when a slot may have come free. */
  readonly freed: Bell;
  /** Rings when another version is current. */
  readonly changed: Bell;
  readonly #words: Words;
  readonly #seat: Seat;
  readonly #current: number;
  readonly #headers: number;
  /** How many pins of this thread's are on each slot; its mark is set while there are any. */
  readonly #pins: number[];
  /** The version that each slot had when this thread pinned it last. */
  readonly #seen: (SlotVersion | undefined)[];

  constructor(seat: Seat) {
    const { words } = seat;
    this.#words = words;
    this.#seat = seat;
    this.count = words[COUNT];
    this.capacity = words[CAPACITY];
    const begin = seatsEnd(seat.seats);
    this.#current = begin + CURRENT;
    this.freed = new Bell(words, begin + FREED);
    this.changed = new Bell(words, begin + CHANGED);
    this.#headers = begin + SLOTS;
    this.#pins = Array(this.count).fill(0);
    this.#seen = Array(this.count).fill(undefined);
  }

  /** How many commits there have been. */
  get epoch(): number {
    for (;;) {
      const word = Atomics.load(this.#words, this.#current);
      const epoch = this.epochAt(word & SLOT);
      // If it was published again meanwhile, what was read may be half of one and half of another.
      if (Atomics.load(this.#words, this.#current) === word) return epoch;
    }
  }

  /** The epoch of the version in `slot`, which must be pinned, or not change for another reason. */
  epochAt(slot: number): number {
    const header = this.#header(slot);
    const low = Atomics.load(this.#words, header + EPOCH_LOW) >>> 0;
    return Atomics.load(this.#words, header + EPOCH_HIGH) * 2 ** 32 + low;
  }

  /** How many pins this thread has. */
  get pins(): number {
    return this.#pins.reduce((sum, pins) => sum + pins, 0);
  }

  /** How many pins of this thread's are on `slot`. */
  pinsOn(slot: number): number {
    return this.#pins[slot];
  }

  /** Pins the version that is current. */
  pin(): SlotVersion {
    const slot = Atomics.load(this.#words, this.#current) & SLOT;
    const marked = this.#seat.mark(1 << slot, 0);
    if (!marked || (Atomics.load(this.#words, this.#current) & SLOT) !== slot) {
      return this.#pinAgain(slot, marked);
    }
    return this.#pinned(slot);
  }

  #pinAgain(slot: number, marked: boolean): SlotVersion {
    for (;;) {
      if (!marked) throw this.#seat.gone("pin a version of");
      const now = Atomics.load(this.#words, this.#current) & SLOT;
      if (now === slot) return this.#pinned(slot);
      const stale = this.#pins[slot] === 0 ? 1 << slot : 0;
      marked = this.#seat.mark(1 << now, stale);
      // A writer may have found the mark that should not have been there.
      if (stale !== 0) this.freed.ring();
      slot = now;
    }
  }

  #pinned(slot: number): SlotVersion {
    this.#pins[slot]++;
    const epoch = this.epochAt(slot);
    const seen = this.#seen[slot];
    if (seen !== undefined && seen.epoch === epoch) return seen;
    const length = Atomics.load(this.#words, this.#header(slot) + LENGTH);
    return this.#seen[slot] = new SlotVersion(this, slot, epoch, length);
  }

  /**
   * Takes one pin back. Answers whether the slot was this thread's up to now: if not, because it
   * has been reaped, what it has read may be half of one version and half of another.
   */
  unpin(slot: number): boolean {
    const last = --this.#pins[slot] === 0;
    const whole = this.#seat.mark(0, last ? 1 << slot : 0);
    if (last) this.freed.ring();
    return whole;
  }

  /** The same; throws when the slot was not this thread's up to now. */
  giveBack(slot: number): void {
    if (!this.unpin(slot)) throw this.#seat.gone("read a version of");
  }

  /** The bytes of the version in `slot`. */
  view(slot: number, length: number): SlotBytes {
    return new Uint8Array(this.#words.buffer, this.#bytes(slot), length);
  }

  /** Throws when this owner has been reaped. */
  verify(action: string): void {
    this.#seat.verify(action);
  }

  /**
   * A slot that can be written to, if there is one: neither current nor pinned nor being written
   * to. Who has the turn to write has no rival for it.
   */
  find(): FreeSlot | undefined {
    return this.#find(false) ?? this.#find(true);
  }

  /** Looks for one that is not being written to, or for one that a dead thread may write to. */
  #find(abandoned: boolean): FreeSlot | undefined {
    const current = Atomics.load(this.#words, this.#current) & SLOT;
    for (let step = 1; step < this.count; step++) {
      const slot = (current + step) % this.count;
      const use = Atomics.load(this.#words, this.#header(slot) + USE);
      if (((use & WRITING) !== 0) !== abandoned) continue;
      if ((this.#seat.allMarks() & (1 << slot)) === 0) return { slot, use };
    }
    return undefined;
  }

  /** Whether nothing but a release of this very thread's can free a slot. */
  get isInOwnWay(): boolean {
    const current = Atomics.load(this.#words, this.#current) & SLOT;
    return this.#pins.every((pins, slot) => pins > 0 || slot === current);
  }

  /** Writes a version into a slot that was found; answers `false` if another has used it since. */
  write({ slot, use }: FreeSlot, bytes: Uint8Array, epoch: number): boolean {
    const words = this.#words;
    const header = this.#header(slot);
    // One that slept since it found the slot had better not try.
    this.#seat.verify("commit to");
    const mine = (use & ~WRITING) + TIMES | WRITING;
    if (Atomics.compareExchange(words, header + USE, use, mine) !== use) return false;
    try {
      new Uint8Array(words.buffer, this.#bytes(slot), bytes.length).set(bytes);
      Atomics.store(words, header + EPOCH_LOW, epoch | 0);
      Atomics.store(words, header + EPOCH_HIGH, Math.floor(epoch / 2 ** 32));
      Atomics.store(words, header + LENGTH, bytes.length);
    } finally {
      // If another writes there by now, this one has been dead.
      Atomics.compareExchange(words, header + USE, mine, mine ^ WRITING);
    }
    return true;
  }

  /** Makes what was written the current version. */
  publish(slot: number): void {
    const words = this.#words;
    for (;;) {
      const word = Atomics.load(words, this.#current);
      // After the load: a reaper marks the seat first and changes the word then.
      this.#seat.verify("commit to");
      const next = (word & ~SLOT) + STAMP | slot;
      if (Atomics.compareExchange(words, this.#current, word, next) === word) break;
    }
    this.changed.ring();
  }

  /** Keeps one that was declared dead from publishing. */
  fence(): void {
    Atomics.add(this.#words, this.#current, STAMP);
  }

  /** Wakes those who wait for a slot that it had pinned, or for the change it did not come to tell. */
  tell(): void {
    this.freed.toll();
    this.changed.toll();
  }

  /** Who has pinned what now, one owner looked at after the other. */
  look(): { slot: number; epoch: number; owners: number[] }[] {
    const current = Atomics.load(this.#words, this.#current) & SLOT;
    const retained = [];
    for (let slot = 0; slot < this.count; slot++) {
      const owners = [];
      for (let owner = 0; owner < this.#seat.seats; owner++) {
        if ((this.#seat.marksOf(owner) & (1 << slot)) !== 0) owners.push(owner);
      }
      if (slot === current || owners.length > 0) {
        retained.push({ slot, epoch: this.epochAt(slot), owners });
      }
    }
    return retained.sort((a, b) => a.epoch - b.epoch);
  }

  /** The version in `slot` as this thread knows it, if it has ever pinned it. */
  seen(slot: number): SlotVersion | undefined {
    return this.#seen[slot];
  }

  #header(slot: number): number {
    return this.#headers + slot * STRIDE;
  }

  #bytes(slot: number): number {
    const first = this.#headers + this.count * STRIDE;
    return (first + slot * slotWords(this.capacity)) * 4;
  }
}
