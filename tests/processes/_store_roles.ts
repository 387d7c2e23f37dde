/** What child processes do with a store; see `_roles.ts`. */
import { fstatSync, openSync, writeSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { type Recorder, recorder } from "../../lab/mod.ts";
import { Prng } from "../../lab/engine/prng.ts";
import { systemHost, withHost } from "../../lib/_host.ts";
import {
  exportStore,
  FileStore,
  locked,
  type Strategy,
  uncoordinated,
} from "../../lib/store/mod.ts";
import { FileLock } from "../../mod.ts";
import { twinOf, unlocked } from "../lib/_altered.ts";
import { callAtRandom } from "../lib/store/_store_client.ts";

/** The parameters of each role. */
export interface StoreRoles {
  /** Makes random calls and says what came of them. */
  store: {
    folder: string;
    /** A file that all count the time by. */
    clock: string;
    name: string;
    keys: readonly string[];
    seed: number;
    calls: number;
    /** Whether locks are taken at all. */
    locks: boolean;
  };
  /** Writes keys of its own, and reads them. */
  "store-own-keys": { folder: string; name: string; keys: number };
  /** Moves from one account to another for ever, and says each epoch. */
  "store-transfer": { folder: string; keys: number };
  /** Takes a snapshot, and reads from it when told to. */
  "store-snapshot": { folder: string; key: string };
  /** Exports all there is. */
  "store-export": { folder: string; password: string };
  /** Serves a store by HTTP: POST adds one to a count, PUT stores, GET shows. */
  "store-server": { folder: string; key: string; lock: string | undefined };
  /** Adds one to a count, so many times. */
  "store-writer": { folder: string; key: string; lock: string | undefined; times: number };
}

/** How roles talk to their parent. */
export interface Parent {
  say(what: string, details?: object): void;
  told(): Promise<string>;
}

/**
 * A clock that processes share: a file that grows by a byte each time it is asked. Whoever asks later
 * is answered more.
 */
function growingFile(path: string): () => number {
  const file = openSync(path, "a");
  return () => {
    writeSync(file, ".");
    return fstatSync(file).size;
  };
}

function strategyOf(store: FileStore, lock: string | undefined): Strategy {
  return lock === undefined ? uncoordinated(store) : locked(store, new FileLock(lock));
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  return text;
}

/** See `StoreRoles`. */
export function storeRoles(
  { say, told }: Parent,
): { [R in keyof StoreRoles]: (params: StoreRoles[R]) => Promise<void> } {
  return {
    async store({ folder, clock, name, keys, seed, calls: times, locks }) {
      const host = locks ? systemHost : twinOf(systemHost, unlocked);
      const store = withHost(host, () => new FileStore(folder));
      const prng = new Prng(seed);
      const calls: Recorder = recorder({ sequence: growingFile(clock) });
      say("up");
      await told();
      await callAtRandom({ name, store, calls, keys, random: () => prng.next() / 2 ** 32 }, times);
      store.close();
      say("done", { history: calls.history() });
    },

    async "store-own-keys"({ folder, name, keys }) {
      using store = new FileStore(folder);
      say("up");
      await told();
      const all = Array.from({ length: keys }, (_, i) => `${name}-${i}`);
      for (const key of all) await store.set(key, `value of ${key}`);
      let read = 0;
      for (const key of all) {
        if ((await store.get(key))?.value === `value of ${key}`) read++;
      }
      say("done", { read });
    },

    async "store-transfer"({ folder, keys }) {
      const store = new FileStore(folder);
      say("up");
      await told();
      for (let i = 0;; i++) {
        const names = [`${i % keys}`, `${(i + 1) % keys}`];
        await store.transaction(async (tx) => {
          for (const [place, key] of names.entries()) {
            const before = (await tx.get<number>(key))?.value ?? 0;
            tx.set(key, before + (place === 0 ? -i : i));
          }
        }, i % 3 === 0 ? {} : { keys: names });
        say("committed", { epoch: store.epoch });
      }
    },

    async "store-snapshot"({ folder, key }) {
      const store = new FileStore(folder);
      say("up");
      await told();
      const snapshot = await store.snapshot();
      say("taken");
      await told();
      say("read", { value: (await snapshot.get(key))?.value });
      await told();
    },

    async "store-export"({ folder, password }) {
      using store = new FileStore(folder);
      say("up");
      await told();
      let text = "";
      for await (const bytes of await exportStore(store, { password, cost: { N: 2 } })) {
        text += String.fromCharCode(...bytes);
      }
      say("exported", { sealed: btoa(text) });
    },

    async "store-server"({ folder, key, lock }) {
      const store = new FileStore(folder);
      const strategy = strategyOf(store, lock);
      say("up");
      await told();
      const answer = async (request: IncomingMessage): Promise<unknown> => {
        const name = request.url!.slice(1);
        const { method } = request;
        if (method === "PUT") return await store.set(name, JSON.parse(await textOf(request)));
        if (method === "POST") return await strategy.update<number>(key, (count = 0) => count + 1);
        return (await store.get(name))?.value;
      };
      const server = createServer((request, response) => {
        answer(request).then(
          (value) => response.writeHead(value === undefined ? 404 : 200).end(JSON.stringify(value)),
          (error) => response.writeHead(500).end(String(error)),
        );
      });
      server.listen(0, "127.0.0.1", () => say("listening", server.address() as AddressInfo));
      await told();
    },

    async "store-writer"({ folder, key, lock, times }) {
      const store = new FileStore(folder);
      const strategy = strategyOf(store, lock);
      say("up");
      await told();
      for (let i = 0; i < times; i++) {
        await strategy.update<number>(key, (count = 0) => count + 1);
        if (i === 0) say("began");
      }
      say("done");
    },
  };
}
