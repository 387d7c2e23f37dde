/** Starts a Redis server, says its process, and would go on for ever. */
import process from "node:process";
import { RedisServer } from "../../../lab/worlds/_redis_server.ts";

const { pid } = await RedisServer.start();
process.stdout.write(`${pid}\n`);
setInterval(() => {}, 1000);
