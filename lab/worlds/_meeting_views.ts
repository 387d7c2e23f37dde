/**
 * What actors meet by, as one of them sees it: barriers, signals and channels.
 *
 * Where the medium has none, whoever steers the run carries them out.
 */
import type { Medium } from "./_medium.ts";
import { copyPlainData } from "./_plain_data.ts";
import type { Performable, Port } from "./_port.ts";
import type { Barrier, Channel, Signal } from "./world.ts";

/** To arrive is one operation, and to pass another. */
export class BarrierView implements Barrier {
  readonly #port: Port;
  readonly #name: string;
  readonly #medium: Medium;

  constructor(port: Port, name: string, medium: Medium) {
    this.#port = port;
    this.#name = name;
    this.#medium = medium;
  }

  async wait(): Promise<void> {
    const object = this.#name;
    const barrier = this.#medium.barrier?.(object);
    const round = await this.#port.operate({
      object,
      kind: "arrive at",
      effect: "write",
      perform: barrier && (() => barrier.arrive()),
    }, undefined) as number;
    const pass = () => this.#port.stepped ? undefined : barrier!.over(round);
    await this.#port.operate({
      object,
      kind: "pass",
      effect: "read",
      ready: barrier && (() => barrier.isOver(round)),
      perform: barrier && pass,
    }, round);
  }
}

/** To fire is one operation. */
export class SignalView implements Signal {
  readonly name: string;
  readonly #port: Port;
  readonly #medium: Medium;

  constructor(port: Port, name: string, medium: Medium) {
    this.#port = port;
    this.name = name;
    this.#medium = medium;
  }

  get signal(): AbortSignal {
    return this.#medium.signal(this.name);
  }

  async fire(): Promise<void> {
    const object = this.name;
    const { fire } = this.#medium;
    await this.#port.operate({
      object,
      kind: "fire",
      effect: "write",
      // Whose waits it ends is for them to know.
      undeclared: true,
      perform: fire && (() => fire.call(this.#medium, object)),
    }, undefined);
  }
}

/** To send is one operation, and to receive another. */
export class ChannelView<T> implements Channel<T> {
  readonly #port: Port;
  readonly #name: string;
  readonly #send: Performable;
  readonly #receive: Performable;

  constructor(port: Port, name: string, medium: Medium) {
    const channel = medium.channel?.(name);
    this.#port = port;
    this.#name = name;
    this.#send = {
      object: name,
      kind: "send",
      effect: "write",
      perform: channel && ((value) => channel.send(value)),
    };
    this.#receive = {
      object: name,
      kind: "receive",
      effect: "write",
      ready: channel && (() => channel.size > 0),
      perform: channel && (() => channel.receive()),
    };
  }

  async send(value: T): Promise<void> {
    await this.#port.operate(this.#send, copyPlainData(value, this.#name));
  }

  receive(): Promise<T> {
    return this.#port.operate(this.#receive, undefined) as Promise<T>;
  }
}
