/**
 * How slots lie in memory. Behind the seats come three cache lines (which slot is current, and two
 * bells), then a cache line for each slot with what is known of its version, then the bytes of each
 * slot in whole cache lines. So who writes a version shares no cache line with those who read
 * another.
 */
import { allocate, countOf, type Words } from "./_memory.ts";
import { MOST_MARKS, seatsEnd } from "./_seat.ts";

/** As many slots as an owner has marks. */
export const MOST_SLOTS = MOST_MARKS;
/** The least there can be: what is current is never written to. */
export const LEAST_SLOTS = 2;
/** As many bytes as a version may have: a gibibyte. */
export const MOST_BYTES = 2 ** 30;

/** Where the header says how many slots there are, and for how many bytes. */
export const COUNT = 8;
export const CAPACITY = 9;

/** The words behind the seats: each of these begins a cache line of 16. */
export const CURRENT = 0;
export const FREED = 16;
export const CHANGED = 32;
export const SLOTS = 48;
export const STRIDE = 16;

/** What each slot has there. */
export const EPOCH_LOW = 0;
export const EPOCH_HIGH = 1;
export const LENGTH = 2;
export const USE = 3;

/** How many words the bytes of a slot take, in whole cache lines. */
export function slotWords(capacity: number): number {
  return Math.ceil(capacity / 64) * 16;
}

/** How many words such a memory has. */
function lengthOf(owners: number, slots: number, capacity: number): number {
  return seatsEnd(owners) + SLOTS + slots * (STRIDE + slotWords(capacity));
}

/** How many words the memory should have by what it says of itself, if that can be. */
export function slotsLength(words: Words): number | undefined {
  const slots = words[COUNT];
  const capacity = words[CAPACITY];
  if (slots < LEAST_SLOTS || slots > MOST_SLOTS) return undefined;
  if (capacity < 1 || capacity > MOST_BYTES) return undefined;
  return lengthOf(countOf(words), slots, capacity);
}

/** Lays out new memory, with `initial` as the version that is current. */
export function allocateSlots(
  owners: number,
  slots: number,
  capacity: number,
  initial: Uint8Array,
): Words {
  const words = allocate("SharedSnapshots", owners, lengthOf(owners, slots, capacity));
  words[COUNT] = slots;
  words[CAPACITY] = capacity;
  const first = seatsEnd(owners) + SLOTS;
  words[first + LENGTH] = initial.length;
  new Uint8Array(words.buffer, (first + slots * STRIDE) * 4).set(initial);
  return words;
}
