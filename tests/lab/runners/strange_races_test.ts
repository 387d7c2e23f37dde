/** Races that are written wrong, or do what the engine cannot see: each is told, and none is proved. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Actor,
  type Cell,
  expectSafe,
  explore,
  palette,
  type Race,
  replay,
  team,
  trialReport,
  type TrialResult,
  type World,
} from "../../../lab/mod.ts";

const timeout = 30_000;

function race(actors: (world: World) => readonly Actor[], check?: Race["check"]): Race {
  return { name: "strange", build: actors, check };
}

function report(result: TrialResult): string {
  return trialReport(result, { palette: palette(false), width: Infinity });
}

/** Two actors that look, and then do this. */
const look = (then: (x: Cell) => Promise<void>) => (world: World) => {
  const x = world.cell("x", 0);
  return team(2, async () => {
    await x.read();
    await then(x);
  });
};

test("what draws at random outside of declared steps is not proved, and the step is named", {
  timeout,
}, async () => {
  // Every step is the same in each run; which value is written is not.
  const drawn = await explore(race(look((x) => x.write(Math.floor(Math.random() * 1e9)))));
  assert.equal(drawn.evidence.kind, "partial");
  assert.match(drawn.nondeterminism!, /^at step \d one run has [AB]: write x ← \d+, another /);
  assert.match(
    report(drawn),
    /Something the engine does not control differs between runs: at step/,
  );
  // The twin: the same with a number that is fixed.
  const fixed = await explore(race(look((x) => x.write(5))));
  assert.deepEqual([fixed.evidence.kind, fixed.nondeterminism], ["proved", undefined]);
});

test("what draws at random into an object that actors share is not proved", {
  timeout,
}, async () => {
  const shares = (draw: () => number) =>
    race((world) => {
      const shared = world.shared("shared", () => ({ sum: 0 }));
      const x = world.cell("x", 0);
      return team(2, async () => {
        await x.read();
        shared.sum += draw();
      });
    });
  for (const draw of [Math.random, Date.now]) {
    const result = await explore(shares(draw));
    assert.equal(result.evidence.kind, "partial", draw.name);
    assert.match(result.nondeterminism!, /shared \{"sum":.* no step differs/);
  }
  assert.equal((await explore(shares(() => 1))).evidence.kind, "proved");
});

test("a search that cannot go on because runs are not alike says at which step", {
  timeout,
}, async () => {
  let runs = 0;
  const fickle = race((world) => {
    const x = world.cell("x", 0);
    return team(2, async (place) => {
      // In every fifth run B has nothing to do.
      if (place === 1 && runs++ % 5 === 4) return;
      for (let i = 0; i < 3; i++) await x.read();
    });
  });
  await assert.rejects(explore(fickle, { strategy: "exhaustive" }), {
    name: "Nondeterminism",
    message:
      /^Cannot search every order: .*; something the engine does not control differs between runs: at step \d one run has /,
  });
});

test("why an order is not the engine's alone is told with the verdict", { timeout }, async () => {
  const result = await expectSafe(race((world) => {
    const cache = world.shared("cache", (inner) => {
      const load = inner.operation("source", "read", () => 1);
      let filling: Promise<number> | undefined;
      return { get: () => filling ??= load() };
    });
    return team(2, async () => void await cache.get());
  }));
  assert.equal(result.evidence.kind, "partial");
  assert.match(result.intervention!, /^B waited, after step 2, for something that is no operation/);
  assert.match(
    report(result),
    /not the engine's alone, which proves nothing: B waited, after step 2/,
  );
  const alone = await expectSafe(race(look(() => Promise.resolve())));
  assert.deepEqual([alone.intervention, alone.bestEffort], [undefined, false]);
});

test("an operation that waits for a real timer is waited for, and is no deadlock", {
  timeout,
}, async () => {
  const result = await explore(race((world) => {
    const ask = world.operation("bank", "read", () => new Promise((done) => setTimeout(done, 5)));
    return team(2, async () => void await ask());
  }));
  assert.equal(result.verdict, "safe");
  assert.equal(result.evidence.kind, "partial");
  assert.match(result.intervention!, /nobody could move until an operation of A came to its end/);
});

test("where a real timer decides too, runs that are not alike end the search and are no error", {
  timeout,
}, async () => {
  let runs = 0;
  const late = race((world) => {
    const ask = world.operation("bank", "read", () => new Promise((done) => setTimeout(done, 5)));
    const x = world.cell("x", 0);
    return team(3, async (place) => {
      if (place === 0) return void await ask();
      // As if the time were up before C has done it, in the second run.
      for (let i = place === 2 && runs++ === 1 ? 0 : 2; i > 0; i--) await x.read();
    });
  });
  const result = await explore(late, { strategy: "exhaustive", budget: 50 });
  assert.deepEqual([result.verdict, result.evidence.kind], ["safe", "partial"]);
  assert.match(result.intervention!, /nobody could move until an operation of/);
  assert(result.schedules > 1 && result.schedules < 50, `${result.schedules} schedules`);
});

test("an operation that waits for ever is a deadlock", { timeout }, async () => {
  const { failure } = await explore(race((world) => {
    const ask = world.operation("bank", "read", () => new Promise(() => {}));
    return team(1, async () => void await ask());
  }));
  assert.equal(failure!.message, "deadlock: A waits to return from read bank");
});

test("a limit of steps counts when a failure is run again, too", { timeout }, async () => {
  const endless = race((world) => {
    const x = world.cell("x", 0);
    return team(1, async () => {
      while (true) await x.read();
    });
  });
  const short = await explore(endless, { maxSteps: 50 });
  assert.equal(short.failure!.message, "livelock: all move, and none comes to an end in 50 steps");
  assert.deepEqual([short.reproduced, short.nondeterminism], [{ times: 10, of: 10 }, undefined]);
  await assert.rejects(
    expectSafe(endless, { maxSteps: 50 }),
    /await replay\("[^"]+", race, \{ maxSteps: 50 \}\)/,
  );
  await assert.rejects(replay(short.schedule!, endless, { maxSteps: 50 }), /replayed 10\/10/);
  const long = race((world) => {
    const x = world.cell("x", 0);
    return team(1, async () => {
      for (let i = 0; i < 11_000; i++) await x.read();
      throw new Error("at last");
    });
  });
  const found = await explore(long, { maxSteps: 20_000 });
  assert.deepEqual([found.reproduced, found.nondeterminism], [{ times: 10, of: 10 }, undefined]);
});

test("a livelock of thousands of steps is reported within seconds", { timeout }, async () => {
  const started = performance.now();
  const { failure } = await explore(race((world) => {
    const clock = world.clock("clock");
    return team(2, async () => {
      while (true) await clock.sleep(1);
    });
  }));
  assert.equal(failure!.kind, "endless");
  assert.ok(performance.now() - started < 20_000);
});

test("two operations at once are the actor's failure, also where one is not looked at", {
  timeout,
}, async () => {
  // What is refused would be an unhandled rejection, which ends the process, had it not been told.
  for (const looks of [true, false]) {
    const { failure } = await explore(race((world) => {
      const x = world.cell("x", 0);
      return team(2, async () => {
        const [first, second] = [x.read(), x.read()];
        await first;
        if (looks) await second;
      });
    }));
    assert.match(
      failure?.message ?? "no failure",
      /^A threw TypeError: Cannot read x: A has not finished its read x;/,
    );
  }
});

test("actors that are none, and answers that are no promise, are told in words", {
  timeout,
}, async () => {
  const wrong = (actors: unknown) => explore(race(() => actors as Actor[]));
  for (const actors of [undefined, null, 5, [undefined], [{ name: "A" }], [{ run() {} }]]) {
    await assert.rejects(wrong(actors), {
      name: "TypeError",
      message:
        "Cannot run strange/race: build() is to answer an array of actors, each with a name and run()",
    });
  }
  await assert.rejects(wrong([]), /it has 0 actors; from 1 to 52 are allowed/);
  await assert.rejects(wrong(team(53, () => Promise.resolve())), /it has 53 actors/);
  for (const answer of [undefined, 5]) {
    const { failure } = await wrong([{ name: "A", run: () => answer }]);
    assert.equal(
      failure!.message,
      "A threw TypeError: Cannot tell when A has ended: its run() answers no promise",
    );
  }
});

test("an actor may answer whatever can be awaited", { timeout }, async () => {
  const { verdict } = await expectSafe(race((world) => {
    const x = world.cell("x", 0);
    const run = () => ({
      then: (done: () => void) => void x.read().then(done),
    });
    return [{ name: "A", run: run as unknown as Actor["run"] }];
  }));
  assert.equal(verdict, "safe");
});

/** A counter that loses an update; mended it takes a lock, and so other steps. */
const counts = (mended: boolean, name = "strange"): Race => ({
  name,
  build: (world) => {
    const counter = world.cell("counter", 0);
    const add = async () => counter.write(await counter.read() + 1);
    if (!mended) return team(2, add);
    const lock = world.lock("lock");
    return team(2, () => lock.withWrite(add));
  },
  check: ({ counter }) => counter === 2 ? undefined : `counter = ${counter}`,
});

test(
  "replay() in lenient mode runs mended code in the order that broke it, and says where it is other",
  {
    timeout,
  },
  async () => {
    const { schedule } = await explore(counts(false));
    await assert.rejects(replay(schedule!, counts(true)), /made for another structure of it/);
    const result = await replay(schedule!, counts(true), { lenient: true });
    assert.equal(result.verdict, "safe");
    assert.deepEqual(result.reproduced, { times: 10, of: 10 });
    assert.match(
      result.diverged!,
      /^at step \d expected [AB] to move, found [AB] before enter write/,
    );
    assert.match(report(result), /The schedule was followed as far as it leads: at step/);
  },
);

test("replay() in lenient mode fails where the code still does, with a schedule of its own", {
  timeout,
}, async () => {
  const { schedule } = await explore(counts(false));
  await assert.rejects(replay(schedule!, counts(false), { lenient: true }), (error: Error) => {
    assert.match(error.message, /replayed 10\/10/);
    assert.doesNotMatch(error.message, /followed as far as it leads/);
    assert.ok(error.message.includes(schedule!));
    return true;
  });
  await assert.rejects(replay(schedule!, counts(true, "other"), { lenient: true }), {
    name: "ScheduleCodeError",
    message: /the code is for strange\/race/,
  });
});
