/** A way to a server that can be cut, held up and made to lose messages. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** Messages of a channel, as RESP3 has them. */
const PUSHED = /^>3\r\n\$7\r\nmessage\r\n\$\d+\r\n[^\r]*\r\n\$\d+\r\n[^\r]*\r\n/gm;

/** Passes on what comes, both ways. */
export class Proxy implements AsyncDisposable {
  /** Whether grants are lost on the way to the client. */
  losesMessages = false;
  /** How many chunks have come, either way. */
  chunks = 0;
  /** Called before each chunk is passed on, with how many came before; may cut. */
  onChunk: ((chunk: number) => void) | undefined;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #held: (() => void)[] | undefined;
  /** Those that pass on nothing any more. */
  readonly #dead = new WeakSet<readonly [Socket, Socket]>();

  private constructor(port: number) {
    this.#server = createServer((client) => {
      const pair = [client, connect(port, "127.0.0.1")] as const;
      this.#pairs.add(pair);
      for (const [i, socket] of pair.entries()) {
        const other = pair[1 - i];
        socket.on("error", () => {});
        socket.on("close", () => {
          this.#pairs.delete(pair);
          other.destroy();
        });
        socket.on("data", (data: Uint8Array) => {
          if (!this.#dead.has(pair)) this.#pass(() => this.#forward(data, other, i));
        });
      }
    });
  }

  /** Starts one before the server on `port`, on a free port or on `at`. */
  static async start(port: number, at = 0): Promise<Proxy> {
    const proxy = new Proxy(port);
    proxy.#server.listen(at, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Breaks every connection. */
  cut(): void {
    for (const [client, server] of this.#pairs) {
      client.destroy();
      server.destroy();
    }
  }

  /** Passes on nothing any more on connections there are, without a word, as routers do that forget them. */
  forget(): void {
    for (const pair of this.#pairs) this.#dead.add(pair);
  }

  /** Keeps back what comes from now on. */
  hold(): void {
    this.#held ??= [];
  }

  /** Passes on what was kept back. */
  resume(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const pass of held) pass();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #pass(pass: () => void): void {
    if (this.#held === undefined) pass();
    else this.#held.push(pass);
  }

  #forward(data: Uint8Array, to: Socket, from: number): void {
    const chunk = this.chunks++;
    this.onChunk?.(chunk);
    if (to.destroyed) return;
    const lost = this.losesMessages && from === 1;
    to.write(lost ? new TextEncoder().encode(text(data).replace(PUSHED, "")) : data);
  }
}

function text(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}
