import { conflict, type Recording } from "../../../lab/engine/mod.ts";

/**
 * The kind of an order: the same for two orders exactly when one becomes the other by swapping
 * neighbouring operations that do not conflict. (Foata's normal form: each event on the lowest level
 * above all it depends on, each level sorted by actor.)
 */
export function traceOf({ events, outcome }: Recording): string {
  const levels: string[][] = [];
  const levelOf: number[] = [];
  events.forEach((event, index) => {
    let level = 0;
    for (let earlier = 0; earlier < index; earlier++) {
      const before = events[earlier];
      if (before.actor === event.actor || conflict(before.operation, event.operation)) {
        level = Math.max(level, levelOf[earlier] + 1);
      }
    }
    levelOf[index] = level;
    const { actor, operation: { kind, object }, argument, result } = event;
    // With what was written and read: equivalent orders must agree on that too.
    (levels[level] ??= []).push(JSON.stringify([actor, kind, object, argument, result]));
  });
  return levels.map((level) => level.sort().join(",")).join("|") + ` ${outcome.kind}`;
}
