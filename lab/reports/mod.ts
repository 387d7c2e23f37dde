/** Results as plain data, and as text for people. Nothing here reads, writes or asks for anything. */
export * from "./analysis.ts";
export * from "./palette.ts";
export * from "./results.ts";
export * from "./text.ts";
export * from "./timeline.ts";
export * from "./values.ts";
export * from "./bench_table.ts";
export * from "./scenario_page.ts";
export * from "./shared_state.ts";
export * from "./suite_results.ts";
export * from "./suite_table.ts";
export * from "./figures.ts";
export * from "./figure_text.ts";
export * from "./baseline.ts";
export * from "./comparison.ts";
export * from "./comparison_text.ts";
