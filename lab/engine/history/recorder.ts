/**
 * Recording a history while it happens.
 *
 * Invariant: a call's interval contains the moment at which it took effect. Its invocation takes a
 * number from the sequencer before the operation begins, its return takes one after it has ended.
 * So a recorder may make calls look longer than they were, which only makes the check more lenient,
 * but never shorter.
 *
 * One recorder serves every kind of run. In a stepped or a simulated run, and among the tasks of a
 * free one, all share one recorder and its counter. Among threads each has its own, and they share a
 * counter in memory (`sharedSequence`); among processes they share a clock. The histories are then
 * put together, in any order. A call that nobody ended is open: that is all a crash takes.
 */
import type { Call, CallOutcome } from "./call.ts";

/** Where a recorder takes its times from. */
export interface RecorderOptions {
  /**
   * Answers a number that is never below one it answered before, to anybody who shares it.
   * @default a counter of this recorder's own
   */
  readonly sequence?: () => number;
}

/** A call that has been invoked. It is ended once, or stays open. */
export interface OpenCall {
  /** It returned. @param output What it answered; plain data. */
  ok(output?: unknown): void;
  /** It is known not to have happened. */
  fail(): void;
  /** Whether it happened is unknown, and will stay so: it timed out, or its process is gone. */
  unknown(): void;
}

/** Calls that are recorded, as they are made. */
export interface Recorder {
  /**
   * A call begins. To be called before the operation itself.
   *
   * @param process Who calls.
   * @param name What is called, as the model names it.
   * @param input What it is called with. Kept as it is: plain data that does not change.
   * @param object What it is called on, if there are several objects.
   * @returns To be told how the call ended, after it did.
   */
  invoke(process: string | number, name: string, input?: unknown, object?: unknown): OpenCall;
  /**
   * Records one call around `perform`. It is open if `perform` throws, since it may have done its
   * work before; where an error proves that it has not, use `invoke`.
   *
   * @returns What `perform` answers.
   * @throws what `perform` throws.
   */
  call<R>(
    process: string | number,
    name: string,
    input: unknown,
    perform: () => Promise<R>,
    object?: unknown,
  ): Promise<R>;
  /** The calls so far, in the order of their invocations; those not ended are open. */
  history(): Call[];
}

/**
 * A recorder without any calls.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { check, models, recorder } from "@interlock/core/lab";
 *
 * const calls = recorder();
 * const write = calls.invoke("A", "write", 1);
 * const read = calls.invoke("B", "read");
 * write.unknown(); // A timed out: its write may come at any time, or never.
 * read.ok(0);
 * await calls.call("B", "read", undefined, () => Promise.resolve(1));
 *
 * assert.equal(check(calls.history(), models.register(0)).verdict, "ok");
 * ```
 */
export function recorder(options: RecorderOptions = {}): Recorder {
  return new CallRecorder(options.sequence ?? counter());
}

/**
 * A sequencer that threads share: a counter in memory, good for 4,294,967,295 numbers.
 *
 * @param buffer At least four bytes, zero at first, that nothing else uses.
 */
export function sharedSequence(buffer: SharedArrayBuffer): () => number {
  const word = new Int32Array(buffer, 0, 1);
  return () => Atomics.add(word, 0, 1) >>> 0;
}

function counter(): () => number {
  let count = 0;
  return () => count++;
}

class CallRecorder implements Recorder {
  readonly #sequence: () => number;
  readonly #calls: RecordedCall[] = [];

  constructor(sequence: () => number) {
    this.#sequence = sequence;
  }

  invoke(process: string | number, name: string, input?: unknown, object?: unknown): OpenCall {
    const call = new RecordedCall(process, name, input, object, this.#sequence);
    this.#calls.push(call);
    return call;
  }

  async call<R>(
    process: string | number,
    name: string,
    input: unknown,
    perform: () => Promise<R>,
    object?: unknown,
  ): Promise<R> {
    const call = this.invoke(process, name, input, object);
    const output = await perform();
    call.ok(output);
    return output;
  }

  history(): Call[] {
    return this.#calls.map((call) => call.plain());
  }
}

class RecordedCall implements OpenCall {
  readonly #process: string | number;
  readonly #name: string;
  readonly #input: unknown;
  readonly #object: unknown;
  readonly #sequence: () => number;
  readonly #invoked: number;
  #outcome: CallOutcome = "open";
  #ended = false;
  #output: unknown;
  #returned: number | undefined;

  constructor(
    process: string | number,
    name: string,
    input: unknown,
    object: unknown,
    sequence: () => number,
  ) {
    this.#process = process;
    this.#name = name;
    this.#input = input;
    this.#object = object;
    this.#sequence = sequence;
    this.#invoked = sequence();
  }

  ok(output?: unknown): void {
    this.#end("ok");
    this.#returned = this.#sequence();
    this.#output = output;
  }

  fail(): void {
    this.#end("failed");
  }

  unknown(): void {
    this.#end("open");
  }

  plain(): Call {
    return {
      process: this.#process,
      name: this.#name,
      object: this.#object,
      input: this.#input,
      outcome: this.#outcome,
      output: this.#output,
      invoked: this.#invoked,
      returned: this.#returned,
    };
  }

  #end(outcome: CallOutcome): void {
    if (this.#ended) {
      throw new Error(`Cannot end call of ${this.#name} by ${this.#process}: it has ended before`);
    }
    this.#ended = true;
    this.#outcome = outcome;
  }
}
