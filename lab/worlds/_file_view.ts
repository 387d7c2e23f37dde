/** A shared file as one actor sees it: each method is one step, made of calls of its host. */
import type { Files, OpenFile } from "../../lib/_host.ts";
import type { Medium } from "./_medium.ts";
import type { Performable, Port } from "./_port.ts";
import type { OpenedFile, SharedFile } from "./world.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** See the top of the file. */
export class FileView implements SharedFile {
  readonly name: string;
  readonly #port: Port;
  readonly #medium: Medium;

  constructor(port: Port, name: string, medium: Medium) {
    this.name = name;
    this.#port = port;
    this.#medium = medium;
  }

  read(): Promise<string | undefined> {
    return this.#step("read", "read", (files, path) => {
      const bytes = files.readFile(path);
      return bytes && decoder.decode(bytes);
    });
  }

  write(text: string, position = 0): Promise<void> {
    return this.#step("write", "write", (files, path) => {
      withOpen(files, path, (file) => file.write(encoder.encode(text), position));
    }, position === 0 ? text : [text, position]);
  }

  truncate(size = 0): Promise<void> {
    return this.#step("truncate", "write", (files, path) => {
      withOpen(files, path, (file) => file.truncate(size));
    }, size === 0 ? undefined : size);
  }

  create(text = ""): Promise<boolean> {
    return this.#step("create", "write", (files, path) => {
      try {
        const write = (file: OpenFile) => file.write(encoder.encode(text), 0);
        withOpen(files, path, write, { create: true, exclusive: true });
        return true;
      } catch (error) {
        if ((error as { code?: string }).code === "EEXIST") return false;
        throw error;
      }
    }, text === "" ? undefined : text);
  }

  sync(): Promise<void> {
    return this.#step("sync", "write", (files, path) => {
      withOpen(files, path, (file) => file.sync(), { create: false });
    });
  }

  syncName(): Promise<void> {
    return this.#step("sync name of", "write", (files, path) => {
      files.syncFolder(files.folderOf(path));
    });
  }

  rename(to: SharedFile): Promise<void> {
    return this.#step(
      "rename",
      "write",
      (files, path) => {
        files.rename(path, this.#place().path(to.name));
      },
      to.name,
      true,
    );
  }

  remove(): Promise<void> {
    return this.#step("remove", "write", (files, path) => {
      try {
        files.remove(path);
      } catch (error) {
        if ((error as { code?: string }).code !== "ENOENT") throw error;
      }
    });
  }

  async open(): Promise<OpenedFile> {
    let file!: OpenFile;
    await this.#step("open", "write", (files, path) => {
      file = files.open(path, { create: true, mode: 0o600 });
    });
    const step = <R>(kind: string, effect: "read" | "write", perform: () => R) =>
      this.#step(kind, effect, perform);
    return {
      tryLock: (mode) => this.#step("try to lock", "write", () => file.tryLock(mode), mode),
      unlock: () => step("unlock", "write", () => file.unlock()),
      isCurrent: () =>
        this.#step("look at name of", "read", (files, path) => {
          const now = files.identify(path);
          return now !== undefined && now.dev === file.id.dev && now.ino === file.id.ino;
        }),
      close: () => step("close", "write", () => file.close()),
    };
  }

  #place(): NonNullable<Medium["files"]> {
    const { files } = this.#medium;
    if (files !== undefined) return files;
    throw new TypeError(
      `Cannot use file ${this.name}: there are files in the simulation and between processes only`,
    );
  }

  async #step<R>(
    kind: string,
    effect: "read" | "write",
    perform: (files: Files, path: string) => R,
    argument?: unknown,
    undeclared?: boolean,
  ): Promise<R> {
    const operation: Performable = {
      object: this.name,
      kind,
      effect,
      undeclared,
      perform: () => {
        const files = this.#place();
        return perform(files.of, files.path(this.name));
      },
    };
    return await this.#port.operate(operation, argument) as R;
  }
}

function withOpen(
  files: Files,
  path: string,
  fn: (file: OpenFile) => void,
  how: { create: boolean; exclusive?: boolean } = { create: true },
): void {
  const file = files.open(path, { ...how, mode: 0o600 });
  try {
    fn(file);
  } finally {
    file.close();
  }
}
