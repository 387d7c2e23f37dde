/** What workers and processes have in common as distances: a pool of places where actors live. */
import type { Program } from "../engine/mod.ts";
import type { Distance, FreeRun } from "./distance.ts";
import type { Remote, Storage } from "./_remote.ts";
import { RemoteFreeRun } from "./_remote_free_run.ts";
import { RemoteProgram } from "./_remote_program.ts";
import type { Subject } from "./scenario.ts";
import type { WorldName } from "./world.ts";

/** A distance whose actors live elsewhere. Its places are opened when needed and kept till the end. */
export abstract class RemoteDistance implements Distance {
  abstract readonly name: WorldName;
  abstract readonly about: string;
  readonly #remotes: Remote[] = [];

  /** Opens the place for the actor number `place`; resolves when it is ready to be told its part. */
  protected abstract open(place: number): Promise<Remote>;

  /** Makes the shared objects for one run. */
  protected abstract makeStorage(subject: Subject): Promise<Storage>;

  async stepped(subject: Subject): Promise<Program> {
    const places = () => this.#places(subject.actors.length);
    await places();
    return new RemoteProgram(subject, places, () => this.makeStorage(subject));
  }

  async free(subject: Subject): Promise<FreeRun> {
    const remotes = await this.#places(subject.actors.length);
    return new RemoteFreeRun(subject, remotes, await this.makeStorage(subject)).run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#remotes.splice(0).map((remote) => remote.close()));
  }

  async #places(count: number): Promise<readonly Remote[]> {
    for (let place = 0; place < count; place++) {
      if (this.#remotes[place]?.dead === false) continue;
      this.#remotes[place] = await this.open(place);
    }
    return this.#remotes.slice(0, count);
  }
}
