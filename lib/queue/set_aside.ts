/**
 * What is told of a queued write that was put out of the way.
 *
 * @module
 */
import type { UnreadableWriteError, WriteRefusedError } from "./errors.ts";

/**
 * Why a write was set aside.
 *
 * - `"unreadable"`: its file is damaged, or no file.
 * - `"refused"`: it does not fit what is in the table.
 */
export type SetAsideReason = "unreadable" | "refused";

/** A file of the queue that was put out of the way. */
export interface SetAsideFile {
  /** The write it was queued as. */
  readonly id: string;
  /** Where it stood in the order. */
  readonly sequence: number;
  /** The absolute path of the file, as it is called now. */
  readonly file: string;
  /** Why it was set aside. */
  readonly reason: SetAsideReason;
}

/** A file that has just been set aside. */
export interface SetAside extends SetAsideFile {
  /** What exactly is wrong. */
  readonly error: UnreadableWriteError | WriteRefusedError;
}
