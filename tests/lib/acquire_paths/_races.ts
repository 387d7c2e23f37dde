/**
 * The races over a scene.
 *
 * Four actors share a stage, and each of their steps is one: `asks` begins the acquire that has a
 * timeout and a signal, `follows` one that has neither, `frees` lets go of what keeps both out, and
 * `aborts` fires the signal. The lab runs them in every order, with the timeout passing at every
 * moment at which it could. A step is one turn of the microtask queue, in which whatever was resolved
 * in the step before goes on by one `await`; so that more turns may lie between two things, an actor
 * may idle for some steps, and two things can be done in one step with none between them.
 */
import assert from "node:assert/strict";
import { expectSafe, explore, type Race, type World } from "../../../lab/mod.ts";
import { type Scene, Stage } from "./_stage.ts";

/** What differs between races over one scene. */
interface Course {
  /** Who fires the signal when. */
  readonly fires: "apart" | "after freeing" | "before freeing" | "while kept out";
  /** How many steps one who has begun, freed or aborted idles. */
  readonly idles: Readonly<Record<"asks" | "frees" | "aborts", number>>;
}

const OPERATIONS = {
  ask: "write",
  follow: "write",
  free: "write",
  abort: "write",
  freeThenAbort: "write",
  abortThenFree: "write",
  pass: "write",
  idle: "write",
} as const;

function raceOf(name: string, makeScene: () => Scene, course: Course, passes: number): Race {
  return {
    name,
    build: (world: World) => {
      const stage = world.object("stage", {
        operations: OPERATIONS,
        tasks: () => new Stage(makeScene),
      });
      const actor = (
        name: string,
        step: "ask" | "follow" | "free" | "abort" | "freeThenAbort" | "abortThenFree",
        idles = 0,
      ) => ({
        name,
        run: async () => {
          await stage[step]();
          for (let i = 0; i < idles; i++) await stage.idle();
        },
      });
      const { asks, frees, aborts } = course.idles;
      const actors = [actor("asks", "ask", asks), actor("follows", "follow")];
      if (course.fires === "after freeing") actors.push(actor("frees", "freeThenAbort", frees));
      else if (course.fires === "before freeing") {
        actors.push(actor("frees", "abortThenFree", frees));
      } else {
        if (course.fires === "apart") actors.push(actor("frees", "free", frees));
        actors.push(actor("aborts", "abort", aborts));
      }
      if (passes > 0) {
        actors.push({
          name: "clock",
          run: async () => {
            for (let i = 0; i < passes; i++) await stage.pass();
          },
        });
      }
      return actors;
    },
    check: (_, { stage }) => (stage as Stage).wrong(),
  };
}

/** How far a scene's acquire has to go. */
export interface Way {
  /**
   * How many turns of the microtask queue lie at most between a grant and the acquire's answer.
   *
   * @default 1
   */
  readonly turns?: number;
  /**
   * How often time passes that is not the lab's.
   *
   * @default 0
   */
  readonly passes?: number;
}

/** All races over a scene. */
export function racesOf(
  name: string,
  makeScene: () => Scene,
  { turns = 1, passes = 0 }: Way = {},
): Race[] {
  const none = { asks: 0, frees: 0, aborts: 0 };
  const courses: Course[] = [
    { fires: "apart", idles: { ...none, asks: turns } },
    { fires: "apart", idles: { ...none, frees: turns } },
    { fires: "apart", idles: { ...none, aborts: turns } },
    { fires: "after freeing", idles: none },
    { fires: "before freeing", idles: none },
    { fires: "while kept out", idles: none },
  ];
  return courses.map((course) => raceOf(name, makeScene, course, passes));
}

/** Runs every order of every race over a scene, in which nothing may go wrong. */
export async function expectAllSafe(races: readonly Race[]): Promise<number> {
  let orders = 0;
  for (const race of races) {
    const { evidence } = await expectSafe(race, { strategy: "exhaustive", budget: 200_000 });
    assert.equal(evidence.kind, "proved", race.name);
    if (evidence.kind === "proved") orders += evidence.orders;
  }
  return orders;
}

/** Looks for an order that goes wrong, which there must be. */
export async function expectBroken(races: readonly Race[], how: RegExp): Promise<void> {
  const found: string[] = [];
  for (const race of races) {
    const { failure } = await explore(race, { strategy: "exhaustive", budget: 200_000 });
    if (failure === undefined) continue;
    if (how.test(failure.message)) return;
    found.push(failure.message);
  }
  assert.fail(`none goes wrong as ${how} says, but: ${found.join("; ") || "none at all"}`);
}
