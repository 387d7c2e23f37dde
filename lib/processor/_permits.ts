/**
 * So many may be inside at once, and whoever finds no room is told so at once.
 *
 * A permit is taken in `Admission.submit`, for a job that has not begun its life yet, and given back in
 * `Job.end`, which passes its first line once, whatever has ended the job. So none is lost and none
 * is given back twice.
 */

/** See above. */
export class Permits {
  /** How many are out. */
  held = 0;
  /** How many may be; may be made less than are out, and then the next ones are refused. */
  limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Takes one if there is one. */
  tryAcquire(): boolean {
    if (this.held >= this.limit) return false;
    this.held++;
    return true;
  }

  /** Gives one back. */
  release(): void {
    this.held--;
  }
}
