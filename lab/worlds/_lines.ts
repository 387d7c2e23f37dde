import type { Readable } from "node:stream";

/** What a line of ours begins with, so that whatever else a program prints is not taken for one. */
export const MARK = "\x02";

/** Calls back with each whole line of a stream. */
export function onLines(stream: Readable, callback: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) callback(line);
  });
}
