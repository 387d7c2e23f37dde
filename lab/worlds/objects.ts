/** Kinds of objects that come with the lab, for `world.object`. */
export * from "./lease_kind.ts";
export * from "./map_kind.ts";
export * from "./processor_kind.ts";
export * from "./snapshots_kind.ts";
export * from "./store_kind.ts";
export * from "./table_kind.ts";
export * from "./value_kind.ts";
