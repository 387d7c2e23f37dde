/** What is the distance of machines' own: the server, its keys, its order. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { RandomStrategy, record, replay } from "../../../lab/engine/mod.ts";
import { findScenario, openDistance, Subject } from "../../../lab/mod.ts";
import { MachinesDistance } from "../../../lab/worlds/machines.ts";
import { runCommand, runtimes } from "../../../lab/worlds/_runtimes.ts";
import { redisTest, until } from "../../lib/redis/_server.ts";
import crashing from "../_scenarios/crashing.ts";
import inTurn from "../_scenarios/in_turn.ts";

const timeout = 60_000;
const CLI = new URL("../../../lab/runners/cli.ts", import.meta.url).href;

/** Runs the command line in a process of its own. */
function lab(args: readonly string[], env: Record<string, string>) {
  const { command, args: all } = runCommand(runtimes()[0], CLI, args);
  return spawnSync(command, all, {
    encoding: "utf8",
    cwd: fileURLToPath(new URL("../../../", import.meta.url)),
    env: { ...process.env, NO_COLOR: "1", INTERLOCK_REDIS: "", ...env },
  });
}

test("without a server the tour says in a line what it left out, and is met", { timeout }, () => {
  const { stdout, status } = lab(["tour", "stale-lease"], { INTERLOCK_REDIS_SERVER: "/nowhere" });
  assert.match(stdout, /4 of 4 expectations met/);
  const [line] = stdout.match(/^left out .*$/m)!;
  assert.match(line, /between machines: there is no \/nowhere .*apt-get install.*INTERLOCK_REDIS/);
  assert.equal(status, 0);
  const { leftOut } = JSON.parse(
    lab(["tour", "stale-lease", "--world", "tasks", "--json"], {
      INTERLOCK_REDIS_SERVER: "/nowhere",
    }).stdout,
  );
  assert.deepEqual(leftOut, [], "what was not asked for is not missed");
});

test("machines that are asked for and cannot be had are an error in one line", { timeout }, () => {
  const cases = [
    [["run", "lost-update", "--world", "machines"], { INTERLOCK_REDIS_SERVER: "/nowhere" }],
    [["run", "crash-while-holding/lease"], { INTERLOCK_REDIS_SERVER: "/nowhere" }],
    [["run", "crash-while-holding/lease"], { INTERLOCK_REDIS_SERVER: "/bin/true" }],
    [["run", "crash-while-holding/lease"], { INTERLOCK_REDIS: "redis://127.0.0.1:1" }],
    [["run", "crash-while-holding/lease"], { INTERLOCK_REDIS: "here" }],
  ] as const;
  for (const [args, env] of cases) {
    const { stdout, stderr, status } = lab(args, env);
    assert.equal(status, 2, JSON.stringify(env));
    assert.equal(stdout, "");
    assert.match(stderr, /^Cannot (run anything between machines|start a Redis server): .*\n$/);
  }
});

redisTest("a lock between machines hands itself over as it does between tasks", async () => {
  await using tasks = openDistance("tasks");
  await using machines = openDistance("machines");
  const subject = new Subject(inTurn, "locked");
  const near = await tasks.stepped(subject);
  const far = await machines.stepped(subject);
  const orders = new Set<unknown>();
  for (let seed = 1; seed <= 12; seed++) {
    const { choices, events } = await record(near, new RandomStrategy(seed));
    const again = await replay(far, choices, events);
    assert.deepEqual(again.outcome, { kind: "passed" });
    const written = (run: typeof events) => run.map(({ argument }) => argument);
    assert.deepEqual(written(again.events), written(events));
    orders.add(written(events).at(-2));
  }
  assert(orders.size > 2, "they came in the same order always");
}, { timeout });

redisTest("a distance leaves no keys on a server that was named", async ({ server }) => {
  process.env.INTERLOCK_REDIS = server.url;
  try {
    await using machines = new MachinesDistance();
    await machines.free(new Subject(findScenario("lost-update"), "locked"));
    await record(
      await machines.stepped(new Subject(crashing, "reaped")),
      new RandomStrategy(1),
    );
    await machines.free(new Subject(findScenario("stale-lease"), "fenced"));
  } finally {
    delete process.env.INTERLOCK_REDIS;
  }
  assert.equal(server.cli("keys", "*"), "");
}, { timeout });

redisTest("what a run that was killed leaves on a server expires", async ({ server }) => {
  const args = ["run", "stale-lease/fenced", "--world", "machines"];
  const { command, args: all } = runCommand(runtimes()[0], CLI, args);
  const child = spawn(command, all, { env: { ...process.env, INTERLOCK_REDIS: server.url } });
  await until(() => server.cli("keys", "*leases") !== "", 30_000);
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
  for (const key of server.cli("keys", "*").split("\n").filter(Boolean)) {
    assert.notEqual(server.cli("pttl", key), "-1", `${key} is for ever`);
  }
}, { timeout });

/** How what started a server ends: alone, or as a terminal ends a whole group, whose server hears nothing. */
const ENDS = {
  "is killed": (pid: number) => process.kill(pid, "SIGKILL"),
  "is ended with its group": (pid: number, server: number) => {
    process.kill(server, "SIGSTOP");
    process.kill(-pid, "SIGTERM");
  },
};

for (const runtime of runtimes()) {
  for (const [how, end] of Object.entries(ENDS)) {
    redisTest(`a server that ${runtime.name} started ends when that ${how}`, async () => {
      const module = new URL("_keeps_server.ts", import.meta.url).href;
      const { command, args } = runCommand(runtime, module);
      const stdio = ["ignore", "pipe", "inherit"] as const;
      const child = spawn(command, args, { stdio: [...stdio], detached: true });
      const [said] = await once(child.stdout!, "data");
      const server = Number(said);
      const isThere = () => {
        const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(server)], {
          encoding: "utf8",
        });
        return stdout.trim() !== "" && !stdout.startsWith("Z");
      };
      assert(isThere());
      end(child.pid!, server);
      await until(() => !isThere());
    });
  }
}
