import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { applyMutant, mutants } from "../scripts/_mutants.ts";

const timeout = 10_000;
const root = new URL("../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), "utf8");

test("every mutant changes one place of the core as it is, and names tests there are", {
  timeout,
}, () => {
  const seen = new Set<string>();
  const faults: string[] = [];
  for (const mutant of mutants) {
    const { file, from, to, breaks, tests } = mutant;
    assert.match(
      file,
      /^lib\/((workers|queue|redis|processor|store)\/)?[^/]+\.ts$/,
      "mutants are of the library",
    );
    try {
      applyMutant(mutant, read(file));
    } catch (error) {
      faults.push((error as Error).message);
    }
    // Lines that only say where it is are the same before and after.
    const differing = from.split("\n").filter((line) => !to.split("\n").includes(line));
    assert.equal(differing.length, 1, `${file}: ${breaks}: more than one line changes`);
    assert(breaks.length > 0 && !seen.has(`${file} ${breaks}`), `${file}: ${breaks}: named twice`);
    seen.add(`${file} ${breaks}`);
    assert(tests.length > 0, `${file}: ${breaks}: no test`);
    for (const path of tests) assert(existsSync(new URL(path, root)), `${path} is missing`);
  }
  assert.deepEqual(faults, [], "scripts/_mutants.ts says what stands there now");
});

test("every part of the core has its mutants", { timeout }, () => {
  const files = new Set(mutants.map(({ file }) => file));
  const parts = [
    ...["_queue", "_queue_guard", "_waiters", "_holders", "_line", "_preferring_line"],
    ...["_deadlines", "_signals", "_upgradable", "_meter", "acquire_all", "_wait_graph"],
    ...["deadlock", "_lock_request", "lock_manager", "snapshots", "_update", "_version"],
    ...["_file_slot", "_file_gate", "_file_slots", "_file_parked", "_file_replace"],
    ...["_file_version", "file_snapshots", "workers/_seat"],
    ...["workers/_lock_seat", "workers/_thread_side", "workers/shared_barrier"],
    ...["workers/_slots", "workers/_slot_writer", "workers/_slot_changes"],
    ...["workers/_slot_readers", "workers/_bell"],
    ...["queue/_csv", "queue/_queue_file", "queue/_table_content", "queue/_table_files"],
    ...["processor/_permits", "processor/_admission", "processor/_pool", "processor/_job"],
    ...["processor/_run", "processor/_worker_thread", "processor/_breaker", "processor/_shutdown"],
    ...["store/_sealed_stream", "store/_sealed_header", "store/_engine", "store/_file_backend"],
    ...["store/_contents"],
    ...["queue/_write_queue", "queue/table", "queue/_turn", "queue/_table_file"],
    ...["redis/_script", "redis/_side"],
  ];
  for (const part of parts) assert(files.has(`lib/${part}.ts`), `${part} has no mutant`);
});

test("a mutant that does not apply is refused, saying where", { timeout }, () => {
  const mutant = { file: "lib/x.ts", from: "a = 1;", to: "a = 2;", breaks: "a", tests: [] };
  assert.equal(applyMutant(mutant, "let a = 1;\n"), "let a = 2;\n");
  assert.throws(() => applyMutant(mutant, "let b = 1;"), /lib\/x\.ts: it has "a = 1;" 0 times/);
  assert.throws(() => applyMutant(mutant, "a = 1; a = 1;"), /2 times, not once/);
});
