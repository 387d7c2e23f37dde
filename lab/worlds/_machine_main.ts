/** Where a client of the lab's server begins: orders come as lines on stdin, answers go to stdout. */
import process from "node:process";
import { MARK, onLines } from "./_lines.ts";
import { type MachinesStorage, RedisAccess, RedisMedium } from "./_redis_medium.ts";
import type { FromActor } from "./_protocol.ts";
import { RemoteActor } from "./_remote_actor.ts";

const send = (message: FromActor | { type: "up" }): void => {
  process.stdout.write(`${MARK}${JSON.stringify(message)}\n`);
};
let access: Promise<RedisAccess> | undefined;
const actor = new RemoteActor(send, async (order) => {
  const storage = order.storage as MachinesStorage;
  return new RedisMedium(await (access ??= RedisAccess.open(storage.url)), storage);
});
onLines(process.stdin, (line) => actor.receive(JSON.parse(line)));
// When the coordinator is gone, however it went, its processes go too.
process.stdin.on("end", () => process.exit());
send({ type: "up" });
