/** Where a process of the lab begins: orders come as lines on stdin, answers go as lines to stdout. */
import process from "node:process";
import { MARK, onLines } from "./_lines.ts";
import { ProcessMedium, type ProcessStorage } from "./_process_medium.ts";
import type { FromActor } from "./_protocol.ts";
import { RemoteActor } from "./_remote_actor.ts";

const send = (message: FromActor | { type: "up" }): void => {
  process.stdout.write(`${MARK}${JSON.stringify(message)}\n`);
};
const actor = new RemoteActor(send, (order) => new ProcessMedium(order.storage as ProcessStorage));
onLines(process.stdin, (line) => actor.receive(JSON.parse(line)));
// When the coordinator is gone, however it went, its processes go too.
process.stdin.on("end", () => process.exit());
send({ type: "up" });
