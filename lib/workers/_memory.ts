/**
 * How the shared primitives lie in memory, and how a handle is told from anything else.
 *
 * Every memory begins with the same words: what it is, in which layout, for how many, one spare,
 * four that name it, and eight for constants of the primitive's own. A handle is a plain object
 * around the memory, so that it can be posted; it is believed only after all of these have been
 * compared, for attaching to foreign memory would corrupt it.
 */
import { currentHost } from "../_host.ts";
import { show } from "../_options.ts";

/** An array of words that threads share. */
export type Words = Int32Array<SharedArrayBuffer>;

/** The version of the layouts below; a thread that runs another release is refused. */
export const VERSION = 1;

const KIND = 0;
const LAYOUT = 1;
const COUNT = 2;
/** Where the words of the primitive itself begin: beyond the cache line of the constants. */
export const BODY = 16;

/** Numbers that are unlikely to stand at the beginning of any other memory. */
const MAGIC = {
  SharedRwLock: 0x1e7c_10c4,
  SharedBarrier: 0x1e7c_ba44,
  SharedSnapshots: 0x1e7c_5a95,
} as const;

/** What can be shared. */
export type Kind = keyof typeof MAGIC;

/** What every handle has. */
export interface Handle {
  readonly kind: string;
  readonly version: number;
  readonly memory: SharedArrayBuffer;
}

/** Where the memory's name begins, and how many words it has. */
const NAME = 4;
const NAME_WORDS = 4;

/** Memory of so many bytes; throws when there is not so much. */
function reserve(kind: Kind, bytes: number): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(bytes);
  } catch (cause) {
    throw new RangeError(`Cannot create a ${kind}: there is no memory for ${bytes} bytes`, {
      cause,
    });
  }
}

/** Lays out new memory of `length` words for `count` owners or parties. */
export function allocate(kind: Kind, count: number, length: number): Words {
  const words = new Int32Array(reserve(kind, length * Int32Array.BYTES_PER_ELEMENT));
  words[KIND] = MAGIC[kind];
  words[LAYOUT] = VERSION;
  words[COUNT] = count;
  const host = currentHost();
  for (let i = 0; i < NAME_WORDS; i++) words[NAME + i] = host.random() * 2 ** 32;
  return words;
}

/** A name of the memory that is the same in every thread and, with 128 random bits, no other's. */
export function nameOf(words: Words): string {
  return words.subarray(NAME, NAME + NAME_WORDS).join(" ");
}

/** For how many owners or parties the memory was laid out. */
export function countOf(words: Words): number {
  return words[COUNT];
}

/** Refuses a count that is not a whole number between `least` and `most`. */
export function checkCount(
  name: string,
  value: unknown,
  most: number,
  action: string,
  least = 1,
): void {
  if (typeof value !== "number") {
    throw new TypeError(`Cannot ${action}: ${name} must be a number, got ${show(value)}`);
  }
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(
      `Cannot ${action}: ${name} must be a whole number from ${least} to ${most}, got ${value}`,
    );
  }
}

/** Refuses a signal where the thread will be blocked. */
export function checkNoSignal(options: object, action: string): void {
  if (!("signal" in options) || options.signal === undefined) return;
  throw new TypeError(`Cannot ${action} synchronously: no signal could reach a blocked thread`);
}

/**
 * The memory of a handle; `lengthFor` tells how many words it must have by what it says of itself,
 * or that it says what cannot be. Throws what is wrong with it.
 */
export function open(
  kind: Kind,
  handle: unknown,
  most: number,
  lengthFor: (words: Words) => number | undefined,
): Words {
  const refuse = (why: string): never => {
    throw new TypeError(`Cannot attach to a ${kind}: ${why}`);
  };
  if (typeof handle !== "object" || handle === null) {
    return refuse(`expected a handle, got ${show(handle)}`);
  }
  const { kind: named, version, memory } = handle as Partial<Handle>;
  if (named !== kind) return refuse(`the handle's kind is ${show(named)}`);
  if (version !== VERSION) {
    return refuse(`the handle has version ${show(version)}, this release has ${VERSION}`);
  }
  if (!(memory instanceof SharedArrayBuffer)) {
    return refuse(`the handle's memory is ${show(memory)}, not a SharedArrayBuffer`);
  }
  const words = memory.byteLength % 4 === 0 ? new Int32Array(memory) : undefined;
  if (words === undefined || words.length < BODY || words[KIND] !== MAGIC[kind]) {
    return refuse(`the handle's memory of ${memory.byteLength} bytes is not that of a ${kind}`);
  }
  if (words[LAYOUT] !== VERSION) {
    return refuse(`its memory has version ${words[LAYOUT]}, this release has ${VERSION}`);
  }
  const count = words[COUNT];
  const length = count < 1 || count > most ? undefined : lengthFor(words);
  if (length === undefined) return refuse("its memory is damaged");
  if (words.length !== length) {
    const bytes = length * Int32Array.BYTES_PER_ELEMENT;
    return refuse(
      `its memory has ${memory.byteLength} bytes where ${bytes} are needed for ${count}`,
    );
  }
  return words;
}
