/**
 * Async waiting on a word of shared memory.
 *
 * A wait is over when what it waits for has come, when its time is up, or when its signal aborts;
 * what comes first is decided synchronously, in `retry`, `expire` or `abort`, and from then on the
 * other two change nothing. Whoever decides pokes the word, so that no `Atomics.waitAsync` stays
 * behind in the runtime. While it lasts a wait always has a deadline (at worst one that is far
 * off), hence a timer, for a pending `waitAsync` alone would not keep the process alive.
 */
import type { Deadlines } from "../_deadlines.ts";
import { type Abortable, onAbort } from "../_signals.ts";
import type { Words } from "./_memory.ts";

/** A deadline that no process lives to see. */
const NEVER = Number.MAX_SAFE_INTEGER;

/** What is waited for. */
export interface Awaited {
  /** The memory, and the word that changes when there may be news. */
  readonly words: Words;
  readonly signal: number;
  /** Whether it has come; then the wait is over. May throw, and the wait is over too. */
  attempt(): boolean;
  /** Stops wanting it; answers `false` when it is too late for that, because it has come. */
  withdraw(): boolean;
  /** Called after `withdraw()`, when no other wait will end for the same reason. */
  afterwards(): void;
  /** Wakes this very wait. */
  poke(): void;
  /** What a wait that has lasted too long rejects with; called before `withdraw()`. */
  timedOut(): unknown;
}

/** What may end a wait early. */
export interface Patience {
  /** For how long, in milliseconds. */
  timeout: number;
  signal?: AbortSignal;
}

/** Waits for `target`; `done` is called in the instant in which it has come. */
export async function waitFor<R>(
  target: Awaited,
  done: () => R,
  deadlines: Deadlines,
  { timeout, signal }: Patience,
): Promise<R> {
  let result: { value: R } | { reason: unknown } | undefined;

  /** Tries once; answers whether the wait is over. */
  const retry = (): boolean => {
    try {
      if (target.attempt()) result = { value: done() };
    } catch (reason) {
      result = { reason };
    }
    return result !== undefined;
  };
  const giveUp = (reason: unknown): void => {
    result = target.withdraw() ? { reason } : { value: done() };
    target.poke();
  };

  const deadline = deadlines.add(Math.min(timeout, NEVER), {
    expire(): void {
      // What has come by now counts, though this thread was too busy to notice.
      if (result !== undefined || retry()) return target.poke();
      giveUp(target.timedOut());
      target.afterwards();
    },
  });
  const abortable: Abortable = {
    abort(reason): void {
      if (result === undefined) giveUp(reason);
    },
    afterAbort: () => target.afterwards(),
  };
  const link = signal === undefined ? undefined : onAbort(signal, abortable);
  try {
    for (;;) {
      const seen = Atomics.load(target.words, target.signal);
      if (result === undefined) retry();
      if (result !== undefined) break;
      const change = Atomics.waitAsync(target.words, target.signal, seen);
      if (change.async) await change.value;
    }
  } finally {
    deadlines.remove(deadline);
    link?.remove();
  }
  if ("reason" in result) throw result.reason;
  return result.value;
}
