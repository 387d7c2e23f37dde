/**
 * A bounded concurrent processor: handlers by method, in this isolate or in Workers, with
 * back-pressure that says no, and a shutdown that loses nothing without telling.
 *
 * @module
 */
export * from "./processor.ts";
export * from "./options.ts";
export * from "./jobs.ts";
export * from "./errors.ts";
export * from "./order.ts";
export * from "./stats.ts";
export * from "./open_metrics.ts";
export type { BackPressureOptions } from "./_back_pressure.ts";
export type { BreakerOptions, BreakerState } from "./_breaker.ts";
export { currentTrace, type TraceContext } from "./_trace.ts";
export type { ShutdownOptions, ShutdownReport } from "./_shutdown.ts";
