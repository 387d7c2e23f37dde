/**
 * The checker of histories beside what it costs to read them: the etcd histories of `../shared`, or
 * the few that are in `tests/` where that is not present.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { check, models, parseJepsenLog } from "../lab/engine/history/mod.ts";
import { filesIn, ours, published, shared } from "../tests/lab/engine/history/_published.ts";
import { type BenchmarkSuite, type Contestant, defineBenchmark } from "../lab/runners/suite.ts";

const folder = shared ?? ours;
const names = filesIn(folder).filter((name) => name.startsWith("etcd_"));
const files = names.map((name) => new URL(name, folder));

/** How often the histories are read and parsed for each time they are checked. */
const READINGS = 100;

const read = () => files.map((file) => parseJepsenLog(readFileSync(file, "utf8")));

/** The benchmarks; an operation is one history that is checked. */
export const benchmarks: BenchmarkSuite = [
  defineBenchmark(`checking one of ${files.length} etcd histories`, () => {
    const histories = read();
    const checker: Contestant = {
      name: "check()",
      run() {
        const verdicts = histories.map((history) => check(history, models.casRegister()).verdict);
        assert.deepEqual(verdicts, names.map(published));
        return histories.flat().length;
      },
    };
    const reader: Contestant = {
      name: `readFileSync() and parseJepsenLog(), ${READINGS} times`,
      run() {
        let calls = 0;
        for (let reading = 0; reading < READINGS; reading++) calls += read().flat().length;
        return calls / READINGS;
      },
    };
    return {
      operations: files.length,
      expected: histories.flat().length,
      ours: checker,
      rivals: [{ ...reader, atMost: 3 }],
    };
  }),
];
