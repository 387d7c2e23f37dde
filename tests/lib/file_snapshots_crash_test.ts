/**
 * `FileSnapshots` killed, and its power cut, at every I/O step, with every disk that may be left:
 * a committed epoch is never lost, and one that is not committed is there whole or not at all. The
 * twins, each with one step left out, are caught by the same check.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type CrashProgram,
  type CrashVerdict,
  exploreCrashes,
  type Host,
  Simulation,
} from "../../lab/worlds/simulation/mod.ts";
import { withHost } from "../../lib/_host.ts";
import { FileSnapshots } from "../../mod.ts";
import { altered, none, type Twin, twinOf, unlocked } from "./_altered.ts";
import { failingAt } from "./_failing_disk.ts";

const limit = { timeout: 120_000 };
const FOLDER = "/data/app";
const PATH = `${FOLDER}/state`;
const NEXT = `${PATH}.interlock-next`;

/** The value of an epoch: what each commit added. */
type Log = readonly string[];

function open(host: Host, twin: Twin): FileSnapshots<Log> {
  return withHost(twinOf(host, twin), () => new FileSnapshots<Log>(PATH, []));
}

interface Commit {
  readonly epoch: number;
  readonly entry: string;
}

/** So many processes that add to one log, so many times each. */
function writers(processes: number, times: number, twin: Twin = none): CrashProgram<Commit> {
  return {
    run(machine) {
      for (let i = 0; i < processes; i++) {
        void machine.start(`writer ${i}`, async (process, report) => {
          const snapshots = open(process, twin);
          for (let n = 0; n < times; n++) {
            // The first writer's are several blocks long, so what it leaves is longer than the
            // next version of another.
            const entry = `entry ${n} of writer ${i}${"!".repeat(i === 0 ? 100 : 0)}`;
            const epoch = await snapshots.update((log) => [...log, entry]);
            report({ epoch, entry });
          }
          snapshots.close();
        });
      }
    },
    async check({ process, reported }) {
      const snapshots = open(process, none);
      const { value, epoch } = snapshots.read();
      assert.equal(value.length, epoch, "an epoch has what each before it added");
      for (const { epoch: at, entry } of reported) {
        assert.equal(value[at - 1], entry, `epoch ${at} was committed`);
      }
      assert(epoch <= processes * times);
      assert.equal(await snapshots.update((log) => [...log, "after"]), epoch + 1);
      assert.deepEqual(snapshots.current, [...value, "after"]);
      const left = ["state", "state.interlock-lock", "state.interlock-lock.interlock-gate"];
      assert.deepEqual(process.files.list(FOLDER), left, "nothing else is left behind");
    },
  };
}

const explore = (program: CrashProgram<Commit>): Promise<CrashVerdict> =>
  exploreCrashes(program, { blockSize: 64, disks: 4096 });

test(
  "FileSnapshots.update() commits whole versions, for good, whatever crash comes",
  limit,
  async () => {
    const { verdict, evidence, complete, failure } = await explore(writers(1, 3));
    console.log(`  one writer: ${evidence}`);
    assert.equal(verdict, "safe", failure?.report ?? evidence);
    assert(complete, evidence);
  },
);

test(
  "FileSnapshots: what a dead writer left does not stand in the way of the others",
  limit,
  async () => {
    const { verdict, evidence, complete, failure } = await explore(writers(2, 2));
    console.log(`  two writers: ${evidence}`);
    assert.equal(verdict, "safe", failure?.report ?? evidence);
    assert(complete, evidence);
  },
);

test(
  "FileSnapshots.update() that fails at any step changes nothing, and says so if it did",
  limit,
  async () => {
    const prepare = async () => {
      const simulation = new Simulation();
      const process = simulation.process();
      const snapshots = open(process, none);
      await simulation.finish(snapshots.update(() => ["first"]));
      return { simulation, process, snapshots };
    };
    let failures = 0;
    for (let failing = 1, done = false; !done; failing++) {
      const { simulation, process, snapshots } = await prepare();
      const { outcome, failed, beyond } = await failingAt(
        simulation,
        failing,
        () => snapshots.update((log) => [...log, "second"]),
      );
      done = beyond;
      if (failed) {
        // Not every step is needed: a lock that is asked for again at once was granted after all.
        const { value } = snapshots.read();
        if (outcome instanceof Error) {
          failures++;
          assert.match(outcome.message, /^Cannot (lock|write) \/data\/app\/state|no space left/);
          const taken = /a power loss may take it back/.test(outcome.message);
          assert.deepEqual(value, taken ? ["first", "second"] : ["first"]);
        }
        const names = process.files.list(FOLDER);
        assert.equal(names.filter((name) => name.endsWith("next")).length, 0);
      } else {
        assert.equal(outcome, 2);
      }
      const { epoch } = snapshots;
      assert.equal(
        await simulation.finish(snapshots.update((log) => [...log, "third"])),
        epoch + 1,
      );
    }
    assert(failures >= 6, `only ${failures} steps failed`);
  },
);

test(
  "FileSnapshots takes a folder above that it may not open to be there for good",
  limit,
  async () => {
    const refused = { code: "EACCES" };
    const denied = { name: "NotCapable" };
    const broken = { code: "EIO" };
    for (const reason of [refused, denied, broken]) {
      const simulation = new Simulation();
      const snapshots = open(simulation.process(), (files) => ({
        syncFolder(path) {
          if (path === "/") throw Object.assign(new Error("not this one"), reason);
          files.syncFolder(path);
        },
      }));
      const update = () => simulation.finish(snapshots.update(() => ["first"]));
      if (reason !== broken) assert.equal(await update(), 1);
      else await assert.rejects(update, /^Error: Cannot write \/data\/app\/state: not this one$/);
    }
  },
);

const twins: Record<string, Twin> = {
  "does not sync the file": (files) => ({
    open: (path, options) => altered(files.open(path, options), { sync() {} }),
  }),
  "writes in place": (files) => ({
    open(path, options) {
      if (path !== NEXT) return files.open(path, options);
      const file = files.open(PATH, { ...options, exclusive: false });
      file.truncate(0);
      return file;
    },
    rename() {},
  }),
  "does not sync the folder": (files) => ({
    syncFolder: (path) => path === FOLDER || files.syncFolder(path),
  }),
  "does not sync the folders above": (files) => ({
    syncFolder: (path) => path !== FOLDER || files.syncFolder(path),
  }),
  "does not remove what was left": (files) => ({
    open: (path, options) => files.open(path, { ...options, exclusive: false }),
  }),
  "does not lock": unlocked,
};

for (const [defect, twin] of Object.entries(twins)) {
  test(`the check finds a writer that ${defect}`, limit, async () => {
    const { verdict, evidence, failure } = await explore(writers(2, 2, twin));
    assert.equal(verdict, "broken", evidence);
    const [message] = (failure!.error as Error).message.split("\n");
    console.log(`  ${defect}: ${failure!.crash ?? "no crash"}, ${message}`);
  });
}
