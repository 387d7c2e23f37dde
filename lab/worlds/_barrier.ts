/** Who has come to a barrier in one isolate. */
export class Gathering {
  readonly #parties: number;
  #arrived = 0;
  #waiting: (() => void)[] = [];

  constructor(parties: number) {
    this.#parties = parties;
  }

  /** Somebody has come; answers which gathering of the barrier it is, from 0. */
  arrive(): number {
    const round = Math.floor(this.#arrived++ / this.#parties);
    if (this.isOver(round)) { for (const pass of this.#waiting.splice(0)) pass(); }
    return round;
  }

  /** Whether all have come to a gathering. */
  isOver(round: number): boolean {
    return this.#arrived >= (round + 1) * this.#parties;
  }

  /** Resolves when all have come to a gathering. */
  async over(round: number): Promise<void> {
    while (!this.isOver(round)) await new Promise<void>((pass) => this.#waiting.push(pass));
  }
}
