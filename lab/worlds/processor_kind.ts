import {
  type Handler,
  Processor,
  type ProcessorOptions,
  type ShutdownOptions,
  type ShutdownReport,
} from "../../lib/processor/mod.ts";
import type { ObjectKind } from "./object_kind.ts";
import type { World } from "./world.ts";

/** How many jobs there are, and what became of others. */
export interface JobCounts {
  /** Those that wait. */
  readonly queued: number;
  /** Those that are being done. */
  readonly active: number;
  /** Those that were done. */
  readonly done: number;
  /** Those that failed. */
  readonly failed: number;
  /** Those that were not accepted, for there was no place. */
  readonly refused: number;
}

/** What handlers have at hand. */
export interface HandlerTools {
  /**
   * Where their steps come from: they take them as whoever requested the job, who should do nothing
   * else meanwhile but wait for it.
   */
  readonly world: World;
  /** Waits until an actor lets the handler go on, by `letGo`. */
  held(): Promise<void>;
}

/** What actors do to a processor. */
export interface SharedProcessor {
  /**
   * Hands in a job; answers its number once it is accepted.
   *
   * @throws {QueueFullError} when there is no place for it
   * @throws {ShutdownError} when nothing is accepted any more
   */
  offer(method: string, payload?: unknown): Promise<number>;
  /** What came of a job that was accepted: what its handler answered, or throws what it threw. */
  complete(id: number): Promise<unknown>;
  /** Hands in a job and waits for what comes of it. */
  request(method: string, payload?: unknown): Promise<unknown>;
  /** Lets the first handler go on that is held up; answers whether there was one. */
  letGo(): boolean;
  /** What it has counted. */
  stats(): JobCounts;
  /** Refuses from now on, and finishes what was accepted. */
  shutdown(options?: ShutdownOptions): Promise<ShutdownReport>;
}

/**
 * The library's `Processor`, between tasks.
 *
 * @param options What it is built with.
 * @param handlers Its handlers by method, made from what they have at hand.
 */
export function processor(
  options: ProcessorOptions,
  handlers: (tools: HandlerTools) => Readonly<Record<string, Handler<never, unknown>>>,
): ObjectKind<SharedProcessor, keyof SharedProcessor> {
  return {
    operations: {
      offer: "write",
      complete: "write",
      request: "write",
      letGo: "write",
      stats: "read",
      shutdown: "write",
    },
    tasks: (world) => {
      const processor = new Processor(options);
      const waiting: (() => void)[] = [];
      const held = () => new Promise<void>((resolve) => waiting.push(resolve));
      for (const [method, handler] of Object.entries(handlers({ world, held }))) {
        processor.handle(method, handler as Handler<unknown, unknown>);
      }
      const jobs = new Map<number, Promise<unknown>>();
      return {
        async offer(method, payload) {
          const { accepted, completed } = processor.request(method, payload);
          // Told when it is asked for, if ever.
          completed.catch(() => {});
          const { id } = await accepted;
          jobs.set(id, completed);
          return id;
        },
        complete: (id) =>
          jobs.get(id) ??
            Promise.reject(new RangeError(`Cannot complete job ${id}: there is none`)),
        request: (method, payload) => processor.request(method, payload).completed,
        letGo() {
          const next = waiting.shift();
          next?.();
          return next !== undefined;
        },
        stats() {
          const { queued, active, done, failed, refused } = processor.stats();
          return { queued, active, done, failed, refused: refused.full };
        },
        shutdown: (options) => processor.shutdown(options),
      };
    },
  };
}
