/**
 * A signal as another realm or library has it: like the runtime's in its shape, and of no class the
 * runtime knows. It has what an acquire's options are checked for, and nothing besides.
 */
export class ForeignSignal extends EventTarget {
  aborted = false;
  reason: unknown;
  /** How many listen to it. */
  listeners = 0;

  override addEventListener(type: string, listener: EventListenerOrEventListenerObject): void {
    this.listeners++;
    super.addEventListener(type, listener);
  }

  override removeEventListener(type: string, listener: EventListenerOrEventListenerObject): void {
    this.listeners--;
    super.removeEventListener(type, listener);
  }

  /** Aborts it. */
  abort(reason: unknown): void {
    this.aborted = true;
    this.reason = reason;
    this.dispatchEvent(new Event("abort"));
  }

  /** As the option it is given as. */
  get asSignal(): AbortSignal {
    return this as unknown as AbortSignal;
  }
}
