/**
 * The calls on one object, laid out for the search.
 *
 * Calls that returned are two nodes each, in the order of time, in a doubly linked list: taking a call
 * out and putting it back in reverse order is four writes each (Wing and Gong, "Testing and Verifying
 * Concurrent Objects", 1993; the list is Lowe's, "Testing for Linearizability", 2017). Nodes are
 * numbered in that order from 1; node 0 is the head of the list.
 *
 * Open calls have no return, so they are no nodes. Of open calls of one kind the earliest invoked may
 * always stand in for any later one, so that only the number of those used matters; they are queues.
 */
import { identity } from "./_identity.ts";
import type { Call } from "./call.ts";
import type { Transitions } from "./_transitions.ts";

/** An invocation or a return: twice the place of its call in the list of calls, plus 1 for a return. */
export type Moment = number;

/** Open calls of one kind, in the order of their invocations. */
export interface OpenCalls {
  readonly kind: number;
  /** Their places in the list of calls. */
  readonly calls: readonly number[];
  /** For each, the last node before its invocation. */
  readonly after: readonly number[];
  /** The first of the bits that tell how many have been used. */
  readonly firstBit: number;
}

/** The invocations and returns of some calls in the order of time; open calls only have the former. */
export function momentsOf(calls: readonly Call[]): Moment[] {
  const moments: Moment[] = [];
  for (let place = 0; place < calls.length; place++) {
    moments.push(2 * place);
    if (calls[place].outcome === "ok") moments.push(2 * place + 1);
  }
  const time = (moment: Moment) => {
    const call = calls[moment >> 1];
    return (moment & 1) === 0 ? call.invoked : call.returned!;
  };
  // At equal times invocations come first: the calls then overlap.
  return moments.sort((a, b) => time(a) - time(b) || (a & 1) - (b & 1) || a - b);
}

/** The node before all others. */
export const HEAD = 0;

/** Where nobody answered what a call was given. */
const NOBODY: readonly number[] = [];

/** What the search needs to know about some moments of a history. */
export class Plan {
  /** How many calls have returned. */
  readonly returns: number;
  /** For each node, the place of its call. */
  readonly callOf: Int32Array;
  /** For each node that is an invocation, the node of its return; 0 for a return. */
  readonly returnOf: Int32Array;
  /** For each node, the kind of its call. */
  readonly kindOf: Int32Array;
  /** For each node, a number that no other call under way at the same time has. */
  readonly slotOf: Int32Array;
  /** For each node, how many moments come before it. */
  readonly momentOf: Int32Array;
  /** How many slots there are. */
  readonly slots: number;
  /**
   * For each invocation, those of the calls that answered what it was given, in the order of their
   * returns. Empty if the model cannot tell what helps, which is what they are for.
   */
  readonly usersOf: readonly (readonly number[])[];
  /** The open calls, by kind. */
  readonly open: readonly OpenCalls[];
  /** How many open calls there are. */
  readonly openCalls: number;

  /**
   * @param calls The calls on one object.
   * @param moments What of them is to be looked at. A call without a return in it is open.
   * @param transitions The model.
   */
  constructor(calls: readonly Call[], moments: readonly Moment[], transitions: Transitions) {
    const returned = new Uint8Array(calls.length);
    let returns = 0;
    for (const moment of moments) {
      if ((moment & 1) === 1) {
        returned[moment >> 1] = 1;
        returns++;
      }
    }
    this.returns = returns;
    const size = 2 * returns + 1;
    this.callOf = new Int32Array(size);
    this.returnOf = new Int32Array(size);
    this.kindOf = new Int32Array(size);
    this.slotOf = new Int32Array(size);
    this.momentOf = new Int32Array(size);
    const invocation = new Int32Array(calls.length);
    const free: number[] = [];
    let slots = 0;
    const waiting = new Map<number, { calls: number[]; after: number[] }>();
    let node = 0;
    for (let index = 0; index < moments.length; index++) {
      const place = moments[index] >> 1;
      if (returned[place] === 0) {
        const kind = transitions.kind(calls[place], true);
        if (transitions.observes(kind)) continue; // Nobody has seen what it saw.
        let queue = waiting.get(kind);
        if (queue === undefined) waiting.set(kind, queue = { calls: [], after: [] });
        queue.calls.push(place);
        queue.after.push(node);
        continue;
      }
      node++;
      this.callOf[node] = place;
      this.momentOf[node] = index;
      if ((moments[index] & 1) === 0) {
        invocation[place] = node;
        this.kindOf[node] = transitions.kind(calls[place], false);
        this.slotOf[node] = free.pop() ?? slots++;
      } else {
        const start = invocation[place];
        this.returnOf[start] = node;
        this.kindOf[node] = this.kindOf[start];
        free.push(this.slotOf[node] = this.slotOf[start]);
      }
    }
    this.slots = slots;
    this.usersOf = transitions.tellsHelp ? this.#findUsers(calls, invocation) : [];
    let openCalls = 0;
    this.open = [...waiting].map(([kind, queue]) => {
      const firstBit = openCalls;
      openCalls += queue.calls.length;
      return { kind, firstBit, ...queue };
    });
    this.openCalls = openCalls;
  }

  #findUsers(calls: readonly Call[], invocation: Int32Array): (readonly number[])[] {
    const users = new Map<unknown, number[]>();
    for (let node = 1; node < this.callOf.length; node++) {
      const place = this.callOf[node];
      const { output } = calls[place];
      if (this.returnOf[node] !== 0 || output === undefined) continue;
      const key = identity(output);
      const list = users.get(key);
      if (list === undefined) users.set(key, [invocation[place]]);
      else list.push(invocation[place]);
    }
    return Array.from(this.callOf, (place, node) => {
      const input = this.returnOf[node] === 0 ? undefined : calls[place].input;
      return input === undefined ? NOBODY : users.get(identity(input)) ?? NOBODY;
    });
  }
}
