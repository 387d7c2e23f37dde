/** What a recorded run shows, found in the events alone. */
import type { Event } from "../engine/mod.ts";

/** A write that buried another which its actor had never seen. Indices are those of the events. */
export interface BuriedWrite {
  readonly object: string;
  /** The read that was stale by the time of the write; `undefined` for a blind write. */
  readonly read: number | undefined;
  /** The write that is lost. */
  readonly buried: number;
  /** The write that lost it. */
  readonly burying: number;
}

function isWrite(event: Event): boolean {
  return event.operation.kind === "write" ||
    (event.operation.kind === "compare-and-set" && event.result === true);
}

function isRead(event: Event): boolean {
  return event.operation.kind === "read";
}

/**
 * The first write that buried another actor's: between the actor's last look at the object and its
 * write to it, somebody else has written.
 */
export function findBuriedWrite(events: readonly Event[]): BuriedWrite | undefined {
  for (let burying = 0; burying < events.length; burying++) {
    const { actor, operation } = events[burying];
    // A compare-and-set looks and writes in one step, so it buries nothing it has not seen.
    if (operation.kind !== "write") continue;
    for (let earlier = burying - 1, buried = -1; earlier >= 0; earlier--) {
      const event = events[earlier];
      if (event.operation.object !== operation.object) continue;
      if (event.actor !== actor) {
        if (isWrite(event)) buried = earlier;
        continue;
      }
      if (buried >= 0 && isRead(event)) {
        return { object: operation.object, read: earlier, buried, burying };
      }
      break;
    }
  }
  return undefined;
}

/** How often the order passes from one actor to another, and how often one is interrupted for it. */
export interface OrderShape {
  /** Neighbouring steps by different actors. */
  readonly switches: number;
  /** Switches away from an actor that moves again later. */
  readonly preemptions: number;
}

/** Counts switches and preemptions of an order. */
export function shapeOf(choices: readonly number[]): OrderShape {
  let switches = 0;
  let preemptions = 0;
  for (let i = 1; i < choices.length; i++) {
    if (choices[i] === choices[i - 1]) continue;
    switches++;
    if (choices.indexOf(choices[i - 1], i) >= 0) preemptions++;
  }
  return { switches, preemptions };
}
