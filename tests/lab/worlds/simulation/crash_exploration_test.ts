/**
 * Crashes explored: each way of writing a file that loses data is found out by the very check that
 * the full recipe passes.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  CrashCodeError,
  type CrashProgram,
  exploreCrashes,
  type Files,
  NondeterminismError,
  replayCrash,
  type SimulatedProcess,
} from "../../../../lab/worlds/simulation/mod.ts";
import { decodeCrash, encodeCrash } from "../../../../lab/worlds/simulation/_crash_code.ts";
import { FileLock } from "../../../../mod.ts";
import { encode, readText, writeAside, writeDurably, writeInPlace } from "./_recipes.ts";

const limit = { timeout: 60_000 };
const OLD = "all of the old";
const NEW = "and now the new text";

type Save = (files: Files) => void;

/** Replaces a text, and tells when that is done. */
function editor(save: Save, check: (text: string | undefined, saved: boolean) => void) {
  const program: CrashProgram<"saved"> = {
    setUp: ({ files }) => writeDurably(files, "/text", OLD),
    run: (machine) =>
      machine.start("editor", ({ files }, report) => {
        save(files);
        report("saved");
      }),
    check: ({ process, reported }) => check(readText(process.files, "/text"), reported.length > 0),
  };
  return program;
}

/** A reader finds the old text or the new one, never a part or a mixture. */
const atomic = (save: Save) =>
  editor(save, (text) => assert([OLD, NEW].includes(text!), `the text is ${JSON.stringify(text)}`));

/** And once the editor has said that it is saved, only the new one. */
const durable = (save: Save) =>
  editor(save, (text, saved) => {
    assert(text === NEW || text === OLD && !saved, `the text is ${JSON.stringify(text)}`);
  });

const inPlace: Save = (files) => writeInPlace(files, "/text", NEW);
const aside = (sync: boolean, syncFolder: boolean): Save => (files) =>
  writeAside(files, "/text", NEW, { sync, syncFolder });

describe("exploreCrashes(): replacing a file", limit, () => {
  for (const blockSize of [512, 4]) {
    test(`in place, data is lost by a kill and by a power loss (${blockSize})`, limit, async () => {
      for (const crashes of [["kill"], ["power loss"]] as const) {
        const { verdict, failure } = await exploreCrashes(atomic(inPlace), { crashes, blockSize });
        assert.equal(verdict, "broken");
        assert.equal(failure!.crash, crashes[0]);
        assert.match(`${failure!.error}`, /the text is "/);
      }
    });

    test(
      `aside without sync, a power loss loses it, a kill does not (${blockSize})`,
      limit,
      async () => {
        const program = atomic(aside(false, true));
        const killed = await exploreCrashes(program, { crashes: ["kill"], blockSize });
        assert.equal(killed.verdict, "safe");
        const lost = await exploreCrashes(program, { crashes: ["power loss"], blockSize });
        assert.equal(lost.verdict, "broken");
        assert.match(`${lost.failure!.error}`, /the text is ""/);
        assert.match(lost.failure!.report, /write \/text\.new 20 bytes at 0 +lost/);
        assert.match(lost.failure!.report, /rename \/text\.new to \/text +survived/);
      },
    );

    test(
      `without the folder's sync it is atomic, but not durable (${blockSize})`,
      limit,
      async () => {
        const half = aside(true, false);
        assert.equal((await exploreCrashes(atomic(half), { blockSize })).verdict, "safe");
        const { verdict, failure } = await exploreCrashes(durable(half), { blockSize });
        assert.equal(verdict, "broken");
        assert.match(
          failure!.report,
          /rename \/text\.new to \/text +lost\n +editor +reports "saved"/,
        );
        assert.match(failure!.report, /write \/text\.new 20 bytes at 0 +lost with its name/);
        assert.match(`${failure!.error}`, /the text is "all of the old"/);
      },
    );

    test(`by the full recipe it is both, whatever crashes (${blockSize})`, limit, async () => {
      const result = await exploreCrashes(durable(aside(true, true)), { blockSize });
      assert.equal(result.verdict, "safe");
      assert.equal(result.complete, true);
      assert.equal(result.steps, 7);
      // Five blocks of four bytes: a write can be cut off at four places.
      const kills = blockSize === 4 ? 12 : 8;
      assert.equal(
        result.evidence,
        `killed at all ${kills} moments of 7 I/O steps; ` +
          `power lost at all 9 moments of 7 I/O steps, all ${result.disks} disks that may be left`,
      );
    });
  }

  test("a write that a kill cuts off leaves a part of it", limit, async () => {
    const file = (files: Files) => files.open("/text", { create: false });
    const overwrite = atomic((files) => file(files).write(encode(NEW), 0));
    const whole = await exploreCrashes(overwrite, { crashes: ["kill"] });
    assert.equal(whole.verdict, "safe", "in one block it is written or not");
    const torn = await exploreCrashes(overwrite, { crashes: ["kill"], blockSize: 8 });
    assert.equal(torn.verdict, "broken");
    assert.match(`${torn.failure!.error}`, /the text is "and now he old"/);
    assert.match(torn.failure!.report, /cut off after 1 of 3 blocks\n +── editor killed ──/);
    const again = await replayCrash(overwrite, torn.failure!.code);
    assert.equal(again?.report, torn.failure!.report);
  });
});

/** A log of numbers; `frame` and `parse` say how one stands in it. */
function log(
  frame: (value: number) => Uint8Array,
  parse: (bytes: Uint8Array) => number[],
): CrashProgram<number> {
  return {
    setUp: ({ files }) => {
      files.open("/log", { create: true }).close();
    },
    run: (machine) =>
      machine.start("writer", ({ files }, report) => {
        const file = files.open("/log", { create: false });
        for (const value of [1111, 2222, 3333]) {
          file.write(frame(value), file.size());
          file.sync();
          report(value);
        }
      }),
    check: ({ process, reported }) => {
      const found = parse(process.files.readFile("/log")!);
      const all = [1111, 2222, 3333];
      assert.deepEqual(found, all.slice(0, found.length));
      assert(found.length >= reported.length, `${reported} were reported, ${found} are there`);
    },
  };
}

describe("exploreCrashes(): a log that is appended to", limit, () => {
  const lines = (bytes: Uint8Array) =>
    new TextDecoder().decode(bytes).split("\n").filter((line) => line !== "");

  test("records without a checksum are read though only a part survived", limit, async () => {
    const plain = log((value) => encode(`${value}\n`), (bytes) => lines(bytes).map(Number));
    const { verdict, failure } = await exploreCrashes(plain, { blockSize: 2 });
    assert.equal(verdict, "broken");
    assert.equal((await replayCrash(plain, failure!.code))?.report, failure!.report);
  });

  test("records with a checksum are read whole or not at all", limit, async () => {
    const sum = (value: number) => String(value * 7919 % 10_007);
    const checked = log((value) => encode(`${value}:${sum(value)}\n`), (bytes) => {
      const values = lines(bytes).map((line) => line.split(":"))
        .map(([value, check]) => check === sum(Number(value)) ? Number(value) : undefined);
      const end = values.indexOf(undefined);
      return (end === -1 ? values : values.slice(0, end)) as number[];
    });
    const { verdict, complete, evidence } = await exploreCrashes(checked, { blockSize: 4 });
    assert.equal(verdict, "safe");
    assert(complete, evidence);
  });
});

/** A transfer between two accounts, by a journal that recovery carries out again. */
function transfer(recover: (files: Files) => void): CrashProgram<"done"> {
  return {
    setUp: ({ files }) => {
      for (const account of ["/a", "/b"]) writeDurably(files, account, "100");
    },
    run: (machine) =>
      machine.start("bank", ({ files }, report) => {
        writeDurably(files, "/journal", "70 130");
        apply(files);
        finish(files);
        report("done");
      }),
    recover: ({ files }) => recover(files),
    check: ({ process, reported }) => {
      const [a, b] = ["/a", "/b"].map((account) => Number(readText(process.files, account)));
      assert.equal(a + b, 200, `${a} + ${b}`);
      if (reported.length > 0) assert.equal(b, 130);
      assert.equal(process.files.kind("/journal"), undefined);
    },
  };
}

function apply(files: Files): void {
  const journal = readText(files, "/journal");
  journal?.split(" ").forEach((amount, i) => writeDurably(files, ["/a", "/b"][i], amount));
}

function finish(files: Files): void {
  if (files.kind("/journal") !== undefined) files.remove("/journal");
  files.syncFolder("/");
}

describe("exploreCrashes(): recovery", limit, () => {
  test("that carries the journal out again may be cut off anywhere, and again", limit, async () => {
    const program = transfer((files) => {
      apply(files);
      finish(files);
    });
    const result = await exploreCrashes(program, { blockSize: 2 });
    assert.equal(result.failure?.report, undefined);
    assert.equal(result.complete, true, result.evidence);
    assert.match(result.evidence, /all \d+ disks that may be left; power lost again in recovery$/);
  });

  test(
    "that loses the journal before it is carried out fails at the second loss",
    limit,
    async () => {
      const program = transfer((files) => {
        const [a, b] = readText(files, "/journal")?.split(" ") ?? [];
        finish(files);
        if (a === undefined) return;
        writeDurably(files, "/a", a);
        writeDurably(files, "/b", b);
      });
      const { verdict, failure } = await exploreCrashes(program);
      assert.equal(verdict, "broken");
      assert.match(failure!.report, /^After 2 power losses: AssertionError.*: 70 \+ 100/);
      assert.equal(failure!.report.match(/── power lost ──/g)?.length, 2);
      assert.match(failure!.report, /recovery +remove \/journal +durable/);
      assert.equal((await replayCrash(program, failure!.code))?.report, failure!.report);
      assert(failure!.code.length <= 120);

      const once = { ...program, recover: undefined };
      const check: typeof program.check = (after) => {
        program.recover!(after.process);
        return program.check(after);
      };
      assert.equal(
        (await exploreCrashes({ ...once, check })).verdict,
        "safe",
        "one loss is survived",
      );
    },
  );

  test("that is missing fails at the first loss", limit, async () => {
    const { failure } = await exploreCrashes(transfer(() => {}));
    assert.equal(failure!.crash, "kill");
    const { failure: lost } = await exploreCrashes(transfer(() => {}), { crashes: ["power loss"] });
    assert.match(lost!.report, /^After a power loss: /);
  });

  test("that leaves other disks for ever is cut off, and the evidence says so", limit, async () => {
    const program: CrashProgram<"done"> = {
      ...transfer(() => {}),
      recover: ({ files }) => {
        apply(files);
        finish(files);
        writeDurably(files, "/recoveries", `${readText(files, "/recoveries") ?? ""}x`);
      },
    };
    const options = { crashes: ["power loss"], checks: 500 } as const;
    const { verdict, complete, evidence, disks } = await exploreCrashes(program, options);
    assert.deepEqual([verdict, complete, disks], ["safe", false, 500]);
    assert.match(evidence, /, the first 500 disks that may be left \(seed 1\); power lost again/);
  });
});

type Locked = <R>(process: SimulatedProcess, fn: () => Promise<R>) => Promise<R>;

/** Two processes that each count one up, telling what they came to. */
function counter(locked: Locked): CrashProgram<number> {
  return {
    setUp: ({ files }) => writeDurably(files, "/count", "0"),
    run: async (machine) => {
      const count = (name: string) =>
        machine.start(name, (process, report) =>
          locked(process, async () => {
            const value = Number(readText(process.files, "/count")) + 1;
            await process.sleep(5);
            writeDurably(process.files, "/count", `${value}`);
            report(value);
          }));
      const ended = await Promise.all([count("a"), count("b")]);
      assert(ended.filter((end) => end === "killed").length <= 1);
    },
    check: ({ process, reported }) => {
      assert.equal(new Set(reported).size, reported.length, `${reported} were reported`);
      const value = Number(readText(process.files, "/count"));
      const least = Math.max(0, ...reported);
      assert(value === least || value === least + 1, `${value} after ${reported}`);
    },
  };
}

const byFileLock: Locked = (process, fn) =>
  process.build(() => new FileLock("/count.lock")).withWrite(fn);
const byNothing: Locked = (_, fn) => fn();
/** A flag file: whoever dies with it up leaves it up. */
const byFlag: Locked = async (process, fn) => {
  const { files } = process;
  while (files.kind("/flag") !== undefined) await process.sleep(10);
  files.open("/flag", { create: true }).close();
  const result = await fn();
  files.remove("/flag");
  return result;
};

describe("exploreCrashes(): two processes and a counter", limit, () => {
  test("without a lock an update is lost, and no crash is needed", limit, async () => {
    const { verdict, failure } = await exploreCrashes(counter(byNothing));
    assert.equal(verdict, "broken");
    assert.equal(failure!.crash, undefined);
    assert.match(failure!.report, /^Without any crash: AssertionError: 1,1 were reported/);
    assert.equal((await replayCrash(counter(byNothing), failure!.code))?.code, failure!.code);
  });

  test("behind a flag file the other waits for ever once its holder is killed", limit, async () => {
    const program = counter(byFlag);
    const { verdict, failure } = await exploreCrashes(program);
    assert.equal(verdict, "broken");
    assert.equal(failure!.crash, "kill");
    assert.match(failure!.report, /^After a was killed: Error: Cannot go on: it still waits/);
    assert.equal((await replayCrash(program, failure!.code))?.report, failure!.report);
  });

  test(
    "FileLock keeps them apart and lets the other in, whoever is killed when",
    limit,
    async () => {
      const result = await exploreCrashes(counter(byFileLock), { blockSize: 4 });
      assert.equal(result.failure?.report, undefined);
      assert.equal(result.complete, true, result.evidence);
      assert(result.kills > 50, result.evidence);
    },
  );

  test("a check that wants more than FileLock promises fails with it too", limit, async () => {
    const program = counter(byFileLock);
    const { verdict } = await exploreCrashes({
      ...program,
      check: (after) => assert.equal(readText(after.process.files, "/count"), "2"),
    });
    assert.equal(verdict, "broken");
  });
});

describe("exploreCrashes(): evidence and budgets", limit, () => {
  /** Many steps and a file of many blocks. */
  const long: CrashProgram = {
    run: (machine) =>
      machine.start("writer", ({ files }) => {
        const file = files.open("/f", { create: true });
        for (let i = 0; i < 30; i++) file.write(encode("0123456789"), i * 10);
      }),
    check: () => {},
  };

  test("what is more than the budget is sampled, and the evidence says so", limit, async () => {
    const options = { moments: 10, disks: 5, blockSize: 5, seed: 3 };
    const { evidence, complete, verdict, kills, losses } = await exploreCrashes(long, options);
    assert.equal(verdict, "safe");
    assert.equal(complete, false);
    assert.deepEqual([kills, losses], [10, 10]);
    assert.match(evidence, /^killed at 10 of 61 moments \(seed 3\) of 31 I\/O steps; /);
    assert.match(evidence, /; power lost at 10 of 32 moments \(seed 3\) of 31 I\/O steps, /);
    assert.match(evidence, /\d+ disks, sampled at \d+ moments \(seed 3\)$/);
  });

  test("the seed decides what is sampled", limit, async () => {
    const kept: string[][] = [];
    for (const seed of [1, 1, 2]) {
      const disks: string[] = [];
      await exploreCrashes({
        ...long,
        check: ({ process }) => void disks.push(readText(process.files, "/f") ?? "none"),
      }, { moments: 10, disks: 5, blockSize: 5, seed });
      kept.push(disks);
    }
    assert.deepEqual(kept[0], kept[1]);
    assert.notDeepEqual(kept[0], kept[2]);
  });

  test("moments left out make it incomplete, though every disk was tried", limit, async () => {
    const program = durable(aside(true, true));
    for (const crash of ["kill", "power loss"] as const) {
      const options = { crashes: [crash], moments: 4 };
      assert.equal((await exploreCrashes(program, options)).complete, false);
    }
  });

  test("what is wrong without a crash is said so, and no crash is tried", limit, async () => {
    const broken = editor(() => {}, (text) => assert.equal(text, NEW));
    const { verdict, evidence, kills, failure } = await exploreCrashes(broken);
    assert.deepEqual([verdict, evidence, kills], ["broken", "run without a crash", 0]);
    assert.match(failure!.report, /^Without any crash: AssertionError/);
  });

  test("a process that throws fails the run", limit, async () => {
    const { failure } = await exploreCrashes(atomic(() => {
      throw new Error("thrown on purpose");
    }));
    assert.match(failure!.report, /^Without any crash: Error: thrown on purpose/);
  });

  test("a check that waits for ever fails", limit, async () => {
    const { failure } = await exploreCrashes({
      ...atomic(aside(true, true)),
      check: () => new Promise(() => {}),
    });
    assert.match(`${failure!.error}`, /Cannot go on: it waits, and no timer is set/);
  });

  test("a program that differs from run to run is refused", limit, async () => {
    let runs = 0;
    const fickle = atomic((files) => writeInPlace(files, `/other${++runs}`, NEW));
    await assert.rejects(exploreCrashes(fickle), (error) => {
      assert(error instanceof NondeterminismError);
      assert.match(
        error.message,
        /event 1 was "editor open \/other1 or create it" and is "editor open \/other2 or create it"/,
      );
      return true;
    });
    let length = 0;
    const longer = atomic((files) => {
      for (let i = 0; i <= length; i++) writeInPlace(files, "/other", NEW);
      length++;
    });
    await assert.rejects(exploreCrashes(longer), /event 6 was "editor reports/);
    let opens = 2;
    const shorter: CrashProgram = {
      run: (machine) =>
        machine.start("reader", ({ files }) => {
          for (let i = 0; i < opens; i++) files.list("/");
          opens--;
        }),
      check: () => {},
    };
    await assert.rejects(exploreCrashes(shorter, { crashes: ["power loss"] }), /is "the end"/);
  });

  test("bytes count too: the same steps with other data are another program", limit, async () => {
    let runs = 0;
    const fickle = atomic((files) => writeInPlace(files, "/other", `${++runs}`));
    await assert.rejects(exploreCrashes(fickle), NondeterminismError);
  });

  test("randomness of a process is the same in every run", limit, async () => {
    const random: CrashProgram = {
      run: (machine) =>
        machine.start("writer", async (process) => {
          await process.sleep(100 * process.random());
          writeDurably(process.files, `/${process.random()}`, `${process.now()}`);
        }),
      check: () => {},
    };
    const { verdict, complete } = await exploreCrashes(random);
    assert.deepEqual([verdict, complete], ["safe", true]);
  });
});

describe("exploreCrashes(): what the check sees", limit, () => {
  /** What was reported when the check ran, for each kill. */
  async function reportedIn(
    main: (process: SimulatedProcess, report: (value: string) => void) => void,
  ) {
    const seen: (readonly string[])[] = [];
    await exploreCrashes<string>({
      run: (machine) => machine.start("main", main),
      check: ({ reported, crash }) => void (crash === "kill" && seen.push(reported)),
    }, { crashes: ["kill"] });
    return seen;
  }

  test("a process that is killed before it reports has not reported", limit, async () => {
    const seen = await reportedIn(({ files }, report) => {
      report("first");
      files.list("/");
      report("second");
    });
    assert.deepEqual(seen, [[], ["first"], ["first"]]);
  });

  test("what the code of a killed process still says is not heard", limit, async () => {
    const main = ({ files }: SimulatedProcess, report: (value: string) => void) => {
      try {
        files.list("/");
      } finally {
        report("it went on");
      }
    };
    assert.deepEqual(await reportedIn(main), [[], []]);
    const { failure } = await exploreCrashes<string>({
      run: (machine) => machine.start("main", main),
      check: ({ crash }) => assert(crash === undefined, "killed"),
    });
    assert.doesNotMatch(failure!.report, /it went on/);
  });

  test("processes that run did not wait for have ended, by themselves or not", limit, async () => {
    const program: CrashProgram = {
      run: (machine) => {
        void machine.start("slow", async (process) => {
          await process.sleep(1000);
          writeDurably(process.files, "/slow", "done");
        });
        const other = machine.simulation.process("never ends");
        const again = () => {
          writeInPlace(other.files, "/clock", `${other.now()}`);
          other.setTimer(again, 10);
        };
        again();
      },
      check: async ({ process }) => {
        const at = readText(process.files, "/clock");
        await process.sleep(100);
        assert.equal(readText(process.files, "/clock"), at);
        assert.equal(readText(process.files, "/slow"), "done");
      },
    };
    const { failure } = await exploreCrashes(program, { crashes: [] });
    assert.equal(failure?.report, undefined);
  });

  test("errors that run puts in concern run alone, whose steps count from 1", limit, async () => {
    const numbers: number[] = [];
    const { failure } = await exploreCrashes({
      setUp: ({ files }) => writeDurably(files, "/text", OLD),
      run: (machine) => {
        machine.simulation.beforeStep = ({ number, action }) => {
          numbers.push(number);
          if (action === "write") throw Object.assign(new Error("full"), { code: "ENOSPC" });
        };
        return machine.start("editor", ({ files }) => {
          assert.throws(() => writeInPlace(files, "/text", NEW), /full/);
        });
      },
      check: ({ process }) => writeInPlace(process.files, "/other", NEW),
    }, { crashes: [] });
    assert.equal(failure?.report, undefined);
    assert.deepEqual(numbers, [1, 2, 3]);
  });

  test("a disk has nothing on it that was written after the power loss", limit, async () => {
    const program: CrashProgram<string> = {
      run: (machine) =>
        machine.start("writer", ({ files }, report) => {
          const file = files.open("/f", { create: true });
          for (const text of ["a", "b", "c"]) {
            report(text);
            file.write(encode(text), 0);
          }
        }),
      check: ({ process, reported }) => {
        const text = readText(process.files, "/f") ?? "";
        assert(["", "\0", ...reported].includes(text), `${text} after ${reported}`);
      },
    };
    assert.equal((await exploreCrashes(program)).failure?.report, undefined);
  });

  test("the report tells each write's fate, however often the file was synced", limit, async () => {
    const program: CrashProgram = {
      setUp: ({ files }) => writeDurably(files, "/f", "0"),
      run: (machine) =>
        machine.start("writer", ({ files }) => {
          const file = files.open("/f", { create: false });
          for (const text of ["1", "2", "3", "4", "5"]) {
            file.write(encode(text), 0);
            if (text === "2") file.sync();
          }
        }),
      check: ({ process, reported, crash }) => {
        const text = readText(process.files, "/f");
        assert(crash !== "power loss" || text !== "3", `found it after ${reported}`);
      },
    };
    const { failure } = await exploreCrashes(program);
    const fates = failure!.report.match(/write \/f.*/g)!.map((line) => line.split(/ {2,}/)[1]);
    assert.deepEqual(fates, ["durable", "durable", "survived", "not reached", "not reached"]);
  });
});

describe("replayCrash()", limit, () => {
  const program = durable(aside(true, false));

  test("repeats a crash exactly, each time", limit, async () => {
    const { failure } = await exploreCrashes(program, { blockSize: 4, seed: 9 });
    for (let i = 0; i < 10; i++) {
      const again = await replayCrash(program, failure!.code);
      assert.equal(again?.report, failure!.report);
      assert.equal(again?.code, failure!.code);
    }
    assert(failure!.code.length <= 120, failure!.code);
  });

  test("repeats it from a code that was found on another runtime", limit, async () => {
    const code = "ic1.9.4.p7:0.bj0udb.19al7sr";
    const { failure } = await exploreCrashes(program, { blockSize: 4, seed: 9 });
    assert.equal(failure!.code, code);
  });

  test("finds nothing wrong once the check holds", limit, async () => {
    const { failure } = await exploreCrashes(program);
    assert.equal(await replayCrash(atomic(aside(true, false)), failure!.code), undefined);
  });

  test("refuses a code that is damaged, or another program's", limit, async () => {
    const { code } = (await exploreCrashes(program)).failure!;
    for (const wrong of ["", "x", code.slice(0, -3), code.replace(".p", ".k"), `${code}.1`]) {
      await assert.rejects(replayCrash(program, wrong), CrashCodeError, wrong);
    }
    const other = durable((files) => {
      files.syncFolder("/");
      aside(true, false)(files);
    });
    await assert.rejects(replayCrash(other, code), /the first \d+ events are not those/);
    await assert.rejects(replayCrash({ ...program, setUp: undefined }, code), CrashCodeError);
  });

  test("refuses choices that the program does not have", limit, async () => {
    const recipe = decodeCrash((await exploreCrashes(program)).failure!.code);
    const [{ moment, choices }] = recipe.losses;
    for (const wrong of [[], [...choices, 0], [...choices.slice(0, -1), 2]]) {
      const code = encodeCrash({ ...recipe, losses: [{ moment, choices: wrong }] });
      await assert.rejects(replayCrash(program, code), /its choices are not this program's/);
    }
    const code = encodeCrash({ ...recipe, losses: [...recipe.losses, { moment: 9, choices: [] }] });
    await assert.rejects(replayCrash(program, code), /recovery does not take as many steps/);
  });

  test("gives the check what had been reported by then", limit, async () => {
    const picky: CrashProgram<"saved"> = {
      ...program,
      check: ({ crash, reported }) => assert(crash !== "power loss", `${reported.length} reported`),
    };
    const { failure } = await exploreCrashes(picky);
    assert.match(failure!.report, /: 0 reported/);
    assert.equal((await replayCrash(picky, failure!.code))?.report, failure!.report);
  });
});
