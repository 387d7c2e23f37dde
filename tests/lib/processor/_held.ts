/** Handlers that end when the test says so, on a host whose time the test moves. */
import { type JobContext, Processor, type ProcessorOptions } from "../../../lib/processor/mod.ts";
import { FakeHost } from "../../_fake_host.ts";

/** A run that has begun. */
export interface HeldRun {
  readonly payload: unknown;
  readonly context: JobContext;
  readonly signal: AbortSignal;
  end(value?: unknown): void;
  fail(error: unknown): void;
}

/** A handler whose runs are held until they are told to end; they do not heed their signals. */
export class Held {
  /** The runs so far, in the order they began. */
  readonly runs: HeldRun[] = [];
  /** How many run now. */
  running = 0;
  /** How many ran at once, at most. */
  most = 0;

  readonly handler = (payload: unknown, context: JobContext): Promise<unknown> => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.most = Math.max(this.most, ++this.running);
    const over = <A>(settle: (argument: A) => void) => (argument: A) => {
      this.running--;
      settle(argument);
    };
    this.runs.push({
      payload,
      context,
      signal: context.signal,
      end: over(resolve),
      fail: over(reject),
    });
    return promise;
  };

  /** What the runs that have begun were handed. */
  get payloads(): unknown[] {
    return this.runs.map(({ payload }) => payload);
  }
}

/** A processor on a host of the test's, with a method "hold" that is held. */
export function create(
  options: ProcessorOptions = {},
): { host: FakeHost; processor: Processor; held: Held } {
  const host = new FakeHost();
  const processor = host.build(() => new Processor({ workers: 1, label: "jobs", ...options }));
  const held = new Held();
  processor.handle("hold", held.handler);
  return { host, processor, held };
}
