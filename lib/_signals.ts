/**
 * Waits that end when a signal aborts, of which many thousands may share one signal.
 *
 * A runtime searches all listeners of a signal when one is added or removed, so a listener a
 * waiter makes the whole quadratic. Here each signal has one listener, shared by a linked list of
 * all that wait on it, and it is removed when the last of them leaves.
 */

/** What can be told that its signal has aborted. Neither method may throw. */
export interface Abortable {
  /** Ends the wait. */
  abort(reason: unknown): void;
  /** Called when every wait on the signal has ended, so that none is served by another's end. */
  afterAbort(): void;
}

/** The listener of one signal, and the waits it serves. */
class Listener {
  head: AbortLink | undefined;
  tail: AbortLink | undefined;
  constructor(readonly signal: AbortSignal) {}

  handleEvent(): void {
    let link = this.head;
    this.head = this.tail = undefined;
    this.close();
    const targets: Abortable[] = [];
    while (link !== undefined) {
      const after: AbortLink | undefined = link.after;
      targets.push(link.target);
      link.clear();
      link = after;
    }
    for (const target of targets) target.abort(this.signal.reason);
    for (const target of targets) target.afterAbort();
  }

  close(): void {
    this.signal.removeEventListener("abort", this);
    listeners.delete(this.signal);
  }
}

/** Signals that are waited on now. */
const listeners = new WeakMap<AbortSignal, Listener>();

/** One wait on one signal. */
export class AbortLink {
  before: AbortLink | undefined;
  after: AbortLink | undefined;

  /** Use `onAbort`. */
  constructor(readonly target: Abortable, public listener: Listener | undefined) {}

  /** Stops waiting on the signal; does nothing the second time. */
  remove(): void {
    const listener = this.listener;
    if (listener === undefined) return;
    const { before, after } = this;
    if (before === undefined) listener.head = after;
    else before.after = after;
    if (after === undefined) listener.tail = before;
    else after.before = before;
    this.clear();
    if (listener.head === undefined) listener.close();
  }

  clear(): void {
    this.before = undefined;
    this.after = undefined;
    this.listener = undefined;
  }
}

/** Tells `target` when `signal` aborts, which must not have happened yet. */
export function onAbort(signal: AbortSignal, target: Abortable): AbortLink {
  let listener = listeners.get(signal);
  if (listener === undefined) {
    listener = new Listener(signal);
    listeners.set(signal, listener);
    signal.addEventListener("abort", listener);
  }
  const link = new AbortLink(target, listener);
  const tail = listener.tail;
  if (tail === undefined) listener.head = link;
  else {
    link.before = tail;
    tail.after = link;
  }
  listener.tail = link;
  return link;
}
