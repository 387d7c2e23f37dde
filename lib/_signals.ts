/**
 * Waits that end when a signal aborts, of which many thousands may share one signal.
 *
 * A runtime searches all listeners of a signal when one is added or removed, so that a listener a
 * waiter makes the whole quadratic. Here each signal has one listener, shared by a line of all
 * that wait on it, and it is removed when the last of them leaves.
 */
import { type Chunk, Line } from "./_line.ts";

/** What can be told that its signal has aborted. Neither method may throw. */
export interface Abortable {
  /** Ends the wait. */
  abort(reason: unknown): void;
  /** Called when every wait on the signal has ended, so that none is served by another's end. */
  afterAbort(): void;
}

/** The listener of one signal, and the waits it serves. */
class Listener {
  readonly line: Line<AbortLink> = new Line();

  constructor(readonly signal: AbortSignal) {
    signal.addEventListener("abort", this);
    listeners.set(signal, this);
  }

  handleEvent(): void {
    const told: AbortLink[] = [];
    const links = [...this.line];
    this.close();
    for (const link of links) {
      // What was told before it may have run callers' code, by which this wait ended otherwise.
      if (link.listener === undefined) continue;
      link.listener = undefined;
      told.push(link);
      link.target.abort(this.signal.reason);
    }
    for (const link of told) link.target.afterAbort();
  }

  close(): void {
    this.signal.removeEventListener("abort", this);
    listeners.delete(this.signal);
    if (recent === this) recent = undefined;
  }
}

/** The listeners of signals that are waited on now. */
const listeners = new WeakMap<AbortSignal, Listener>();

/** The listener used last: most waits have the signal of the wait before. */
let recent: Listener | undefined;

/** One wait on one signal; made by `onAbort`. */
export class AbortLink {
  chunk: Chunk<AbortLink> | undefined = undefined;

  constructor(readonly target: Abortable, public listener: Listener | undefined) {}

  /** Stops waiting on the signal; does nothing the second time. */
  remove(): void {
    const { listener } = this;
    if (listener === undefined) return;
    this.listener = undefined;
    listener.line.remove(this.chunk!, this);
    if (listener.line.size === 0) listener.close();
  }
}

/**
 * Throws the reason of a signal that has aborted. It is asked for no more than `checkAcquireOptions`
 * asks for, so one from another realm or library will do.
 */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw signal.reason;
}

/**
 * Aborts `controller` when `signal` does, or now if it has. In the place of `AbortSignal.any`, which
 * refuses signals of another realm; what is answered ends it.
 */
export function relayAbort(
  signal: AbortSignal,
  controller: AbortController,
): AbortLink | undefined {
  if (signal.aborted) return void controller.abort(signal.reason);
  return onAbort(signal, { abort: (reason) => controller.abort(reason), afterAbort() {} });
}

/** Tells `target` when `signal` aborts, which must not have happened yet. */
export function onAbort(signal: AbortSignal, target: Abortable): AbortLink {
  let listener = recent;
  if (listener === undefined || listener.signal !== signal) {
    listener = recent = listeners.get(signal) ?? new Listener(signal);
  }
  const link = new AbortLink(target, listener);
  link.chunk = listener.line.append(link);
  return link;
}
