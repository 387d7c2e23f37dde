/** What a processor and its Workers say to each other. */
import type { JobInfo } from "./jobs.ts";
import type { TraceContext } from "./_trace.ts";

/** An error as it is sent, for structured clone keeps neither its class nor its properties. */
export interface SentError {
  readonly kind: "error";
  /** The built-in class it is of, or is derived from. */
  readonly type: string;
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly cause: Sent | undefined;
  /** Those of an `AggregateError`. */
  readonly errors: readonly Sent[] | undefined;
  /** What else was put on it and can be sent: `code`, say. */
  readonly properties: Readonly<Record<string, unknown>>;
}

/** Anything thrown, as it is sent. */
export type Sent = SentError | { readonly kind: "value"; readonly value: unknown };

/** One result of a batch, as it is sent. */
export type SentResult = { readonly value: unknown } | { readonly error: Sent };

/** Do this. */
export interface RunOrder {
  readonly type: "run";
  /** By what it is known here. */
  readonly run: number;
  readonly module: string;
  readonly names: readonly string[];
  readonly payload: unknown;
  readonly isBatch: boolean;
  readonly worker: number;
  readonly method: string;
  readonly jobs: readonly JobInfo[];
  readonly trace: TraceContext | undefined;
}

/** Nobody wants the result any more. */
export interface AbortOrder {
  readonly type: "abort";
  readonly run: number;
  readonly reason: Sent;
}

/** What a Worker is told. */
export type ToWorker = RunOrder | AbortOrder;

/** What a Worker tells. */
export type FromWorker =
  | { readonly type: "up" }
  | { readonly type: "done"; readonly run: number; readonly value: unknown }
  | { readonly type: "failed"; readonly run: number; readonly error: Sent };
