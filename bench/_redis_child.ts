/** The other side of the hand-off between processes: takes the lock again and again. */
import process from "node:process";
import { RedisLocks } from "../lib/redis/mod.ts";

const [url, name] = process.argv.slice(2);
const locks = await RedisLocks.connect(url);
const lock = locks.lock(name, { restartGrace: 0 });
process.stdin.on("end", () => process.exit(0)).resume();
process.stdout.write("up\n");

// In the queue again before it gives the lock back, so that the two sides take turns.
for (let guard = await lock.write();;) {
  const next = lock.write();
  await guard.release();
  guard = await next;
}
