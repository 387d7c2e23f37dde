import type { Action, Operation, Program, Run } from "../../../lab/engine/mod.ts";

/** What a test's actors can do. */
export interface Tools {
  /** One operation; `perform` is what it does when the engine lets it go. */
  step<R>(operation: Operation, perform: () => R, ready?: () => boolean): Promise<R>;
}

/** One run of a test's program. */
export interface Built {
  actors: ((tools: Tools) => Promise<void>)[];
  check?: () => string | undefined;
}

/** A program made of plain functions, without any world. */
export function program(build: () => Built): Program {
  let check: (() => string | undefined) | undefined;
  const names = build().actors.map((_, place) => "ABCDEFGH"[place]);
  return {
    actors: names,
    remote: false,
    start(run: Run): void {
      const built = build();
      check = built.check;
      built.actors.forEach((actor, place) => {
        const step: Tools["step"] = (operation, perform, ready = () => true) =>
          new Promise((resolve) => {
            const action: Action = {
              operation,
              argument: undefined,
              ready,
              go: () => {
                const result = perform();
                run.returned(place, result);
                resolve(result);
              },
            };
            run.park(place, action);
          });
        actor({ step }).then(() => run.finish(place), (error) => run.threw(place, error));
      });
    },
    check: () => check?.(),
  };
}

/** Reads an object. */
export function read(object: string): Operation {
  return { object, kind: "read", effect: "read" };
}

/** Writes an object. */
export function write(object: string): Operation {
  return { object, kind: "write", effect: "write" };
}
