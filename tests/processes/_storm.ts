/** A table on which producers and drainers work while they are killed again and again. */
import { listSetAside, Table } from "../../lib/queue/mod.ts";
import { none, unlocked } from "../lib/_altered.ts";
import { forgetful } from "../lib/queue/_twins.ts";
import { type Child, start } from "./_children.ts";

/** What may be wrong with a process. */
export const twins = { none, forgetful, unlocked };
export type TwinName = keyof typeof twins;

/** The table that all of them work on. */
export const TABLE = "storm";

const PRODUCERS = 4;
const DRAINERS = 2;

/** What came of a storm. */
export interface Storm {
  kills: number;
  /** How many writes were accepted, by how. */
  readonly accepted: { applied: number; queued: number };
  /** How often the queue was full. */
  full: number;
  /** How many writes were queued and removed again. */
  removed: number;
  /** How many writes the drainers applied. */
  drained: number;
  /** How many rows there are in the end. */
  rows: number;
  /** How many of them nobody was told of, for the producer was killed first. */
  untold: number;
  readonly problems: string[];
}

/** What the producers told. */
export interface Told {
  /** The last number of each that was accepted. */
  readonly last: Map<string, number>;
  /** The keys of the writes that were removed. */
  readonly removed: Set<string>;
}

/** What is wrong with the rows, as far as their keys tell. */
export function wrongWith(keys: readonly string[], { last, removed }: Told): string[] {
  const problems = keys.filter((key) => removed.has(key)).map((key) => `${key} was removed`);
  const next = new Map<string, number>();
  for (const key of keys.filter((key) => !key.startsWith("~"))) {
    const [producer, n] = [key.slice(0, key.lastIndexOf(" ")), Number(key.split(" ").at(-1))];
    const expected = next.get(producer) ?? 0;
    if (n !== expected) problems.push(`${producer}: row ${n} where row ${expected} should be`);
    next.set(producer, n + 1);
  }
  for (const [producer, n] of last) {
    const count = next.get(producer) ?? 0;
    if (count <= n) {
      problems.push(`${producer}: ${n} was accepted, and ${count} rows are there`);
    }
  }
  return problems;
}

function read(child: Child, producer: string, told: Told, storm: Storm): void {
  for (const line of child.rest()) {
    const { n, state, drained, key } = line as Partial<Record<string, never>>;
    if (line.say === "drained") storm.drained += drained!;
    else if (line.say === "full") storm.full++;
    else if (line.say === "removed") told.removed.add(key!);
    else {
      storm.accepted[state as unknown as "applied" | "queued"]++;
      told.last.set(producer, n!);
    }
  }
}

/** How a storm is. */
export interface Weather {
  /** How long it lasts, in milliseconds. */
  readonly for: number;
  /** How long a process lives at most after it has done something. */
  readonly life: number;
  /** What is wrong with the processes. */
  readonly twin: TwinName;
}

/** Lets a storm rage, and looks at what is left of the table. */
export async function rage(base: string, { for: ms, life, twin }: Weather): Promise<Storm> {
  const accepted = { applied: 0, queued: 0 };
  const storm: Storm = {
    kills: 0,
    accepted,
    full: 0,
    removed: 0,
    drained: 0,
    rows: 0,
    untold: 0,
    problems: [],
  };
  const told: Told = { last: new Map(), removed: new Set() };
  const end = performance.now() + ms;
  const seat = async (which: number) => {
    const drains = which >= PRODUCERS;
    for (let round = 0; performance.now() < end; round++) {
      const key = `producer ${which}, round ${round}`;
      const how = which % 2 === 0 ? "write" : "queue";
      await using child = drains
        ? await start(which + round, "drain", { base, twin })
        : await start(which + round, "produce", { base, key, how, twin });
      child.tell();
      // On a busy machine few would come to do anything; but some are killed before they have.
      if (Math.random() < 0.8) await child.speaks(2_000);
      // Not to wait for anything, but so that the kill falls on any step of anything.
      await new Promise((resolve) => setTimeout(resolve, life * Math.random()));
      await child.kill();
      if (child.failure !== undefined) storm.problems.push(child.failure);
      else storm.kills++;
      read(child, key, told, storm);
    }
  };
  await Promise.all(Array.from({ length: PRODUCERS + DRAINERS }, (_, which) => seat(which)));
  try {
    using table = new Table(base, TABLE);
    await table.drain();
    const keys = [...table.read().rows.keys()];
    storm.problems.push(...wrongWith(keys, told));
    storm.problems.push(...listSetAside(base, TABLE).map(({ file }) => `set aside: ${file}`));
    storm.removed = told.removed.size;
    storm.rows = keys.filter((key) => !key.startsWith("~")).length;
    storm.untold = storm.rows - accepted.applied - accepted.queued;
  } catch (error) {
    storm.problems.push((error as Error).message);
  }
  return storm;
}
