/** What goes through whoever steers a run, and not from actor to actor. */
import { Gathering } from "./_barrier.ts";
import { Mailbox } from "./_mailbox.ts";
import type { Subject } from "./scenario.ts";

/** The messages, those who meet at barriers, the signals and crashes of one run. */
export class Switchboard {
  readonly mailboxes = new Map<string, Mailbox>();
  readonly barriers = new Map<string, Gathering>();
  readonly signals = new Set<string>();
  readonly crashes = new Set<string>();

  constructor({ objects }: Subject) {
    for (const object of objects) {
      const { name } = object;
      if (object.kind === "channel") this.mailboxes.set(name, new Mailbox());
      else if (object.kind === "barrier") this.barriers.set(name, new Gathering(object.parties));
      else if (object.kind === "signal") this.signals.add(name);
      else if (object.kind === "crash") this.crashes.add(name);
    }
  }
}
