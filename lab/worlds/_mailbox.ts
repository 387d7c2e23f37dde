import type { RawChannel } from "./_medium.ts";

/** Messages within one isolate: either messages wait for receivers, or receivers for messages. */
export class Mailbox implements RawChannel {
  readonly #messages: unknown[] = [];
  readonly #receivers: ((message: unknown) => void)[] = [];

  get size(): number {
    return this.#messages.length;
  }

  send(message: unknown): void {
    const receiver = this.#receivers.shift();
    if (receiver === undefined) this.#messages.push(message);
    else receiver(message);
  }

  receive(): unknown {
    if (this.#messages.length > 0) return this.#messages.shift();
    return new Promise((resolve) => this.#receivers.push(resolve));
  }
}
