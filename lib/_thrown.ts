import { show } from "./_options.ts";

/** What was thrown, in words: its message if it has one. Whatever it is, this does not throw. */
export function describeThrown(thrown: unknown): string {
  try {
    const { message } = Object(thrown);
    if (typeof message === "string") return message;
  } catch {
    // Getters and traps are the thrower's code.
  }
  return show(thrown);
}
