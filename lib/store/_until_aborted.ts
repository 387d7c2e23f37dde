/**
 * A source of items that is given up when a signal aborts, though it may never answer again.
 *
 * What always holds: the wait for an item ends with the signal. The source is then told that nobody
 * asks for more, and that is not waited for: it may be just what it cannot hear. Each wait has a
 * promise of its own, for one that all of them shared would keep something of each.
 */
import { onAbort, throwIfAborted } from "../_signals.ts";

/** The items of `source`, whose values are waited for as `for await` does. */
async function* each<T>(source: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T, void> {
  yield* source;
}

/** See the top of the file. */
export async function* untilAborted<T>(
  source: AsyncIterable<T> | Iterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T> {
  throwIfAborted(signal);
  const items = each(source);
  let giveUp: ((reason: unknown) => void) | undefined;
  const link = onAbort(signal, { abort: (reason) => giveUp?.(reason), afterAbort() {} });
  try {
    for (;;) {
      throwIfAborted(signal);
      const { value, done } = await new Promise<IteratorResult<T, void>>((resolve, reject) => {
        giveUp = reject;
        items.next().then(resolve, reject);
      });
      if (done) return;
      yield value;
    }
  } finally {
    link.remove();
    const returned = items.return();
    if (signal.aborted) returned.catch(() => {});
    else await returned;
  }
}
