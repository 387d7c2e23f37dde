/**
 * When a process that hands a file lock on among its own tasks looks whether others wait.
 *
 * Tasks that follow one another keep the flock, for passing it through the kernel would cost each of
 * them a pause. But a process that never let go would starve the others: so after so many of them,
 * or so many milliseconds, it looks whether another process waits at the gate.
 *
 * So a process that is waited for stays inside for at most `KEPT_MS` + 3h, where h is the longest
 * that any task is inside: the time counts from the first hand-off, which comes after at most h;
 * the one that finds it passed may come h later still, and be inside for h itself.
 */
import type { Host } from "./_host.ts";

/** So many hand-offs inside this process are allowed while another process waits. */
const HAND_OFFS = 100;

/** So many milliseconds of hand-offs are allowed while another process waits. */
const KEPT_MS = 20;

/** The hand-offs since the lock was taken, or since others were last looked for. */
export class HandOffs {
  readonly #host: Host;
  #count = 0;
  #since = 0;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Counts one more; answers whether it is time to look for others, and then counts anew. */
  add(): boolean {
    const now = this.#host.now();
    if (this.#count++ === 0) this.#since = now;
    if (this.#count < HAND_OFFS && now - this.#since < KEPT_MS) return false;
    this.#count = 0;
    return true;
  }

  /** Counts anew: the lock was taken from the system. */
  restart(): void {
    this.#count = 0;
  }
}
