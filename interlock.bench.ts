/**
 * What `lab bench` measures of this repository, and compares between its revisions.
 *
 * `bench/redis.ts` needs a server and is no part of it.
 */
import core from "./bench/core.ts";
import processor from "./bench/processor.ts";
import queue from "./bench/queue.ts";
import store from "./bench/store.ts";
import type { BenchmarkSuite } from "./lab/runners/suite.ts";

const suite: BenchmarkSuite = [...core, ...queue, ...store, ...processor];
export default suite;
