/**
 * Waiting on a word of shared memory, with the thread blocked or without.
 *
 * An async wait is over when what it waits for has come, when its time is up, or when its signal aborts;
 * what comes first is decided synchronously, in `retry`, `expire` or `abort`, and from then on the
 * other two change nothing. Whoever decides resumes the wait directly, and pokes the word besides,
 * so that no `Atomics.waitAsync` stays behind in the runtime. A pending `waitAsync` would not keep
 * the process alive, so while it lasts a wait has a deadline, hence a timer, if only one that is
 * far off; and once that timer is gone nothing has to be waited for any more.
 */
import type { Deadlines } from "../_deadlines.ts";
import type { Host } from "../_host.ts";
import { type Abortable, onAbort } from "../_signals.ts";
import type { Words } from "./_memory.ts";

/** A deadline that no process lives to see. */
const NEVER = Number.MAX_SAFE_INTEGER;

/** What is waited for, where the thread is blocked. */
export interface Sought {
  /** The memory, and the word that changes when there may be news. */
  readonly words: Words;
  readonly signal: number;
  /** Whether it has come; then the wait is over. May throw, and the wait is over too. */
  attempt(): boolean;
}

/** Blocks the thread until `target` has come, or `ms` milliseconds have passed; answers which. */
export function blockFor({ words, signal, attempt }: Sought, ms: number, host: Host): boolean {
  const until = ms === Infinity ? Infinity : host.now() + ms;
  for (let left = ms;;) {
    const seen = Atomics.load(words, signal);
    if (attempt()) return true;
    if (left <= 0) return false;
    Atomics.wait(words, signal, seen, left);
    if (until !== Infinity) left = until - host.now();
  }
}

/** What is waited for. */
export interface Awaited extends Sought {
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
  let resume = (): void => {};

  /** Tries once; answers whether the wait is over. */
  const retry = (): boolean => {
    try {
      if (target.attempt()) result = { value: done() };
    } catch (reason) {
      result = { reason };
    }
    return result !== undefined;
  };
  const over = (): void => {
    resume();
    target.poke();
  };
  const giveUp = (reason: unknown): void => {
    result = target.withdraw() ? { reason } : { value: done() };
    over();
  };

  const deadline = deadlines.add(Math.min(timeout, NEVER), {
    expire(): void {
      // What has come by now counts, though this thread was too busy to notice.
      if (result !== undefined || retry()) return over();
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
      if (!change.async) continue;
      await new Promise<void>((resolve) => {
        resume = resolve;
        change.value.then(() => resolve());
      });
    }
  } finally {
    deadlines.remove(deadline);
    link?.remove();
  }
  if ("reason" in result) throw result.reason;
  return result.value;
}
