/** Histories: recorded, read from files, and checked against sequential models. */
export * from "./call.ts";
export * from "./recorder.ts";
export * from "./model.ts";
/** Models of the usual objects. */
export * as models from "./models.ts";
export * from "./check.ts";
export * from "./check_result.ts";
export * from "./jepsen_log.ts";
export * from "./edn_history.ts";
export * from "./format_error.ts";
