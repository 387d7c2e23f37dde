/**
 * Traces: which request a job belongs to, however many jobs it has set off, told as the W3C's
 * Trace Context tells it (https://www.w3.org/TR/trace-context/), so that it goes on outside.
 */
import { createContext } from "../_context.ts";
import type { Host } from "../_host.ts";
import { show } from "../_options.ts";

/** A job's place in a trace. */
export interface TraceContext {
  /** The trace: 32 lower-case hexadecimal digits. */
  readonly traceId: string;
  /** The job in it: 16 digits. */
  readonly spanId: string;
  /** What set the job off, if anything did: 16 digits. */
  readonly parentId?: string;
  /** Whether whoever began the trace may have recorded it. */
  readonly sampled: boolean;
  /** All that a request made on behalf of the job says in its `traceparent` header. */
  readonly traceparent: string;
}

const FORM = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const SAMPLED = 1;

/** What is said of whoever sets a job off. */
type Parent = Pick<TraceContext, "traceId" | "spanId" | "sampled">;

/** Reads a `traceparent`. Throws a `TypeError` that says what is wrong with it. */
export function parseTraceparent(text: unknown, action: string): Parent {
  if (typeof text !== "string") {
    throw new TypeError(`Cannot ${action}: traceparent must be a string, got ${show(text)}`);
  }
  const [, version, traceId, spanId, flags, more] = FORM.exec(text) ?? [];
  // Version 00 ends with its flags, later ones may go on, and ff is none.
  const known = version !== undefined && version !== "ff" && (version !== "00" || !more);
  if (!known || /^0+$/.test(traceId) || /^0+$/.test(spanId)) {
    throw new TypeError(
      `Cannot ${action}: traceparent must be that of the W3C's Trace Context, ` +
        `as 00-<32 digits>-<16 digits>-<2 digits>, got ${show(text)}`,
    );
  }
  return { traceId, spanId, sampled: (parseInt(flags, 16) & SAMPLED) === SAMPLED };
}

/** So many hexadecimal digits by chance, not all of them 0. */
function draw(host: Host, digits: number): string {
  let drawn = "";
  while (drawn.length < digits) {
    drawn += Math.floor(host.random() * 2 ** 32).toString(16).padStart(8, "0");
  }
  return /^0+$/.test(drawn) ? drawn.replace(/0$/, "1") : drawn;
}

/** The place of a new job: in the trace of what sets it off, or in one of its own. */
export function beginSpan(host: Host, parent: Parent | undefined): TraceContext {
  const traceId = parent?.traceId ?? draw(host, 32);
  const spanId = draw(host, 16);
  const sampled = parent?.sampled ?? true;
  const traceparent = `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
  return { traceId, spanId, parentId: parent?.spanId, sampled, traceparent };
}

/** The traces of the handlers that run, shared by all processors of an isolate. */
const traces = createContext<TraceContext>();

/**
 * The place in its trace of the job whose handler calls this, in this isolate or in a Worker, also
 * through what the handler awaits and what it requests of others.
 *
 * @returns `undefined` where no job of a processor with `trace: true` has led to.
 *
 * @example A trace is carried through a chain of requests
 * ```ts
 * import { currentTrace, Processor } from "@interlock/core/processor";
 * import assert from "node:assert/strict";
 *
 * await using processor = new Processor({ workers: 2, trace: true });
 * processor.handle("inner", () => currentTrace());
 * processor.handle("outer", () => processor.request("inner").completed);
 * const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
 * const inner = await processor.request("outer", undefined, { traceparent }).completed;
 * assert.equal(inner.traceId, "0af7651916cd43dd8448eb211c80319c");
 * ```
 */
export function currentTrace(): TraceContext | undefined {
  return traces?.getStore();
}

/** Runs `fn` so that `currentTrace` answers `trace` in it and in all that it starts. */
export function runInTrace<R>(trace: TraceContext | undefined, fn: () => R): R {
  return trace === undefined || traces === undefined ? fn() : traces.run(trace, fn);
}
