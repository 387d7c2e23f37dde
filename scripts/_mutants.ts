/**
 * The mutants of the core: what always holds, and a line by which it would not.
 *
 * Each stands for a mistake that could be made, in the line that prevents it. `from` is what stands
 * there, once in its file; lines before the one that changes may be part of it, to say which it is.
 * Whoever changes such a line changes it here too: `tests/mutants_test.ts` asks for it.
 */

/** One line broken on purpose. */
export interface Mutant {
  /** The file, from the root of the checkout. */
  readonly file: string;
  /** What stands there. */
  readonly from: string;
  /** What is put in its place. */
  readonly to: string;
  /** What holds no longer. */
  readonly breaks: string;
  /** The test files of which one must fail. */
  readonly tests: readonly string[];
}

/** The text of a file with a mutant in it. */
export function applyMutant({ file, from, to }: Mutant, text: string): string {
  const parts = text.split(from);
  if (parts.length !== 2) {
    const times = parts.length - 1;
    throw new Error(
      `Cannot break ${file}: it has ${JSON.stringify(from)} ${times} times, not once`,
    );
  }
  return parts.join(to);
}

type Line = Omit<Mutant, "file" | "tests">;

/** Several mutants of one file, with the same tests. */
function of(file: string, tests: readonly string[], lines: readonly Line[]): Mutant[] {
  return lines.map((line) => ({ file, tests, ...line }));
}

const rwLock = ["tests/lib/rw_lock_test.ts"];
const policy = ["tests/lib/rw_lock_policy_test.ts"];
const upgrade = ["tests/lib/rw_lock_upgrade_test.ts"];
const stats = ["tests/lib/rw_lock_stats_test.ts"];
const acquireAll = ["tests/lib/acquire_all_test.ts"];
const lockContract = ["tests/lib/lock_contract_test.ts"];
const signals = ["tests/lib/signals_test.ts"];
const deadlock = ["tests/lib/deadlock_test.ts"];
const manager = [
  "tests/lib/lock_manager_test.ts",
  "tests/lib/lock_manager_query_test.ts",
  "tests/lib/lock_manager_signal_test.ts",
];
const redisLock = ["tests/lib/redis/redis_lock_test.ts"];
const redisFaults = ["tests/lib/redis/redis_faults_test.ts"];
const redisHostile = ["tests/lib/redis/redis_hostile_test.ts"];
const redisRefusals = ["tests/lib/redis/redis_refusals_test.ts"];
const redisClosing = ["tests/lib/redis/redis_closing_test.ts"];
const snapshots = ["tests/lib/snapshots_test.ts"];
const snapshotsStats = [
  "tests/lib/snapshots_changed_test.ts",
  "tests/lib/snapshots_stats_test.ts",
];
const fileLock = ["tests/lib/file_lock_test.ts", "tests/lib/file_lock_simulated_test.ts"];
const fileSnapshots = [
  "tests/lib/file_snapshots_test.ts",
  "tests/lib/file_snapshots_crash_test.ts",
];
const tables = ["tests/lib/queue/table_test.ts"];
const queue = ["tests/lib/queue/write_queue_test.ts"];
const tableCrashes = ["tests/lib/queue/crash_test.ts"];
const admission = [
  "tests/lib/processor/admission_test.ts",
  "tests/lib/processor/processor_test.ts",
];
const dispatch = ["tests/lib/processor/dispatch_test.ts"];
const sealed = ["tests/lib/store/sealed_test.ts"];
const contract = ["tests/lib/store/store_contract_test.ts"];
const storeCrashes = [
  "tests/lib/store/file_store_crash_test.ts",
  "tests/lib/store/file_store_interleavings_test.ts",
];
const shared = [
  "tests/lib/workers/shared_rw_lock_test.ts",
  "tests/lib/workers/interleavings_test.ts",
];
const slots = [
  "tests/lib/workers/shared_snapshots_test.ts",
  "tests/lib/workers/snapshots_interleavings_test.ts",
];
const sharedSnapshots = ["tests/lib/workers/shared_snapshots_test.ts"];
const barrier = [
  "tests/lib/workers/shared_barrier_test.ts",
  "tests/lib/workers/interleavings_test.ts",
];

/** All of them. */
export const mutants: readonly Mutant[] = [
  ...of("lib/_queue.ts", rwLock, [{
    from: "if (this.inside !== 0) return undefined;",
    to: "if (this.inside < 0) return undefined;",
    breaks: "a writer is never beside a reader",
  }, {
    from:
      "if (this.inside < 0 || this.waiters.size > 0 && !this.#readerPasses()) return undefined;",
    to: "if (this.inside < 0) return undefined;",
    breaks: "tryRead() never overtakes the queue",
  }, {
    from: "return this.waiters.size === 0 || !writes && this.#readerPasses();",
    to: "return true;",
    breaks: "a reader with a label never overtakes the queue",
  }, {
    from: "return writes ? this.inside === 0 : this.inside >= 0;",
    to: "return writes ? this.inside >= 0 : this.inside >= 0;",
    breaks: "whoever is first in the queue enters only when it may",
  }, {
    from: "if (this.waiters.size > 0) this.drain();",
    to: "if (this.waiters.size > 0 && writes) this.drain();",
    breaks: "the last reader that leaves lets the next one in",
  }, {
    from: "      waiters.shift();\n      waiter.detach();",
    to: "      waiters.shift();",
    breaks: "after a grant there is nothing left that could time out or abort",
  }, {
    from: "if (timeout === 0) return Promise.reject(this.timedOut(writes, 0));",
    to: "if (timeout < 0) return Promise.reject(this.timedOut(writes, 0));",
    breaks: "timeout 0 does not wait",
  }, {
    from: "      this.countAborted();\n      return Promise.reject(signal.reason);",
    to: "      this.countAborted();",
    breaks: "a signal that has aborted acquires nothing",
  }]),
  ...of("lib/_queue.ts", policy, [{
    from: "return this.#readersPass && !this.waiters.first!.upgrades;",
    to: "return this.#readersPass;",
    breaks: "no reader passes an upgrade",
  }]),
  ...of("lib/_queue.ts", stats, [{
    from: "    this.#leaks?.forget(named);\n",
    to: "",
    breaks: "only guards that were not released are reported",
  }]),
  ...of("lib/_queue_guard.ts", rwLock, [{
    from: "if (this.#released) return;",
    to: "",
    breaks: "a guard releases once",
  }]),
  ...of("lib/_waiters.ts", rwLock, [{
    from: "waited));\n    this.queue.drain();",
    to: "waited));",
    breaks: "the queue is drained after a waiter that timed out",
  }, {
    from: "  afterAbort(): void {\n    this.queue.drain();",
    to: "  afterAbort(): void {",
    breaks: "the queue is drained after a waiter that aborted",
  }, {
    from: "if (timeout !== undefined) this.queue.deadlines.remove(timeout);",
    to: "",
    breaks: "no timer outlives its wait",
  }, {
    from: "if (link !== undefined) link.remove();",
    to: "",
    breaks: "no listener outlives its wait",
  }, {
    from: "    this.queue.waiters.remove(this.chunk!, this);\n",
    to: "",
    breaks: "one that has left is not in the queue",
  }]),
  ...of("lib/_waiters.ts", stats, [{
    from: "if (this.name !== undefined) this.queue.endWait(this.name);",
    to: "",
    breaks: "waits without the lock are counted too",
  }]),
  ...of("lib/_holders.ts", rwLock, [{
    from: "    named.chunk = this.#line.append(named);\n    this.#listed = undefined;",
    to: "    named.chunk = this.#line.append(named);",
    breaks: "query() is true of its moment",
  }]),
  ...of("lib/_line.ts", ["tests/lib/line_test.ts"], [{
    from: "while (places[from] === undefined) from++;",
    to: "",
    breaks: "the first member stands at `from` of the head",
  }, {
    from: "else after.before = before;",
    to: "else after.before = undefined;",
    breaks: "a chunk's neighbours know each other",
  }, {
    from: "if (--chunk.size === 0) return this.#drop(chunk);",
    to: "if (--chunk.size === 0 && chunk.before === undefined) return this.#drop(chunk);",
    breaks: "no chunk but the only one is without a member",
  }, {
    from: "this.head = head.before = chunk;",
    to: "this.head = chunk;",
    breaks: "a member put before all others has those behind it for neighbours",
  }]),
  ...of("lib/_preferring_line.ts", policy, [{
    from: "return this.#preferred.first ?? this.#others.first;",
    to: "return this.#others.first ?? this.#preferred.first;",
    breaks: "the kind that is preferred is served first",
  }]),
  ...of("lib/_preferring_line.ts", policy, [{
    from: "return this.#preferred.prepend(member);",
    to: "return this.#others.prepend(member);",
    breaks: "an upgrade is first under every policy",
  }]),
  ...of("lib/_deadlines.ts", ["tests/lib/deadlines_test.ts", ...rwLock], [{
    from: "if (group.line.size === 0) this.#drop(group);",
    to: "",
    breaks: "no timer outlives the waits it was for",
  }, {
    from: "if (deadline.group === undefined) continue; // removed by one told before it",
    to: "",
    breaks: "a deadline that was removed is not told",
  }, {
    from: "else this.#arm(group, next.since + group.ms - now);",
    to: "else this.#arm(group, group.ms);",
    breaks: "each wait of one length ends at its own time",
  }, {
    from: "while (next !== undefined && next.since + group.ms <= now) {",
    to: "while (next !== undefined) {",
    breaks: "a timeout never comes early",
  }, {
    from: "const wait = Math.min(Math.ceil(ms), LONGEST);",
    to: "const wait = Math.ceil(ms);",
    breaks: "no timer is set for longer than a host can",
  }]),
  ...of("lib/_signals.ts", rwLock, [{
    from: "if (listener.line.size === 0) listener.close();",
    to: "",
    breaks: "the last wait on a signal takes the listener off",
  }, {
    from: "link.target.abort(this.signal.reason);",
    to: "link.target.abort(this.signal.reason), link.target.afterAbort();",
    breaks: "nobody is let in because another wait on the same signal ended",
  }, {
    from: "if (link.listener === undefined) continue;",
    to: "",
    breaks: "a wait that was granted while its signal aborts is not ended once more",
  }, {
    from: "if (listener === undefined || listener.signal !== signal) {",
    to: "if (listener === undefined) {",
    breaks: "a wait ends by its own signal",
  }]),
  ...of("lib/_upgradable.ts", upgrade, [{
    from: "return this.writes ? queue.inside === 1 : queue.canEnter(false);",
    to: "return this.writes ? queue.inside >= 1 : queue.canEnter(false);",
    breaks: "an upgrade waits until its reader is the only one inside",
  }, {
    from: "if (queue.inside === 1) {",
    to: "if (queue.inside >= 1) {",
    breaks: "only the only reader upgrades at once",
  }, {
    from: "if (queue.upgradable !== undefined) {",
    to: "if (queue.upgradable === null) {",
    breaks: "a second upgrader fails at once",
  }, {
    from: "waiter.chunk = queue.waiters.prepend(waiter);",
    to: "waiter.chunk = queue.waiters.append(waiter);",
    breaks: "an upgrade waits before all others",
  }, {
    from: "    queue.inside = 1;\n    queue.drain();",
    to: "    queue.inside = 1;",
    breaks: "a downgrade lets the next readers in",
  }, {
    from: "    queue.upgradable = undefined;\n    queue.leave(this.#writes, this.#named);",
    to: "    queue.leave(this.#writes, this.#named);",
    breaks: "the right to upgrade ends with its guard",
  }, {
    from: "    this.ended();\n    super.leave(reason);",
    to: "    super.leave(reason);",
    breaks: "an upgradable read that is given up leaves the right to others",
  }]),
  ...of("lib/_meter.ts", stats, [{
    from: "    this.#contended++;\n",
    to: "",
    breaks: "each wait counts as contended",
  }, {
    from: "if (timed.waiting) this.#wait.record(",
    to: "if (timed !== undefined) this.#wait.record(",
    breaks: "an acquire that has not waited counts as no wait",
  }]),
  ...of("lib/_histogram.ts", stats, [{
    from: "return Math.min(BUCKETS - 1, Math.ceil(Math.log2(ms * 1000) * PER_OCTAVE));",
    to: "return Math.ceil(Math.log2(ms * 1000) * PER_OCTAVE);",
    breaks: "no duration is too long to be counted",
  }]),
  ...of("lib/acquire_all.ts", acquireAll, [{
    from: "  places.sort(compare);\n",
    to: "",
    breaks: "locks are acquired in one order",
  }, {
    from: "  using guards = new DisposableStack();",
    to: "  const guards = new DisposableStack();",
    breaks: "all or nothing",
  }, {
    from: 'if (place.mode === "write") places[j].mode = "write";',
    to: "",
    breaks: "a lock that is named twice is taken in the stronger mode",
  }, {
    from: "timeout: allowance.left,",
    to: "timeout,",
    breaks: "one timeout bounds the whole",
  }]),
  ...of("lib/_lock_order.ts", acquireAll, [{
    from: "return lock[lockOrder]?.() ?? {",
    to: "return {",
    breaks: "two FileLocks on one file are one lock",
  }]),
  ...of("lib/_wait_graph.ts", deadlock, [{
    from: "    while (told[mode] < place) {",
    to: "    while (told[mode] < 0) {",
    breaks: "waiters ahead in the queue are edges",
  }, {
    from: "    const place = this.#placeOf(wait);",
    to: "    const place = this.#placeOf(wait) ?? this.#waiters.length;",
    breaks: "one who has been granted the lock waits for nobody",
  }, {
    from: "for (const party of this.#holders) if (exclude(mode, party.mode)) yield [party, false];",
    to: "for (const party of this.#holders) yield [party, false];",
    breaks: "readers do not wait for readers",
  }, {
    from: "        if (waits && stage.wait.lock.lock === first.lock.lock) continue;\n",
    to: "",
    breaks: "an owner's other wait is no hindrance",
  }, {
    from: "for (const [place, { owner, mode }] of this.#waiters.entries()) {",
    to: "for (const [place, { owner, mode }] of [...this.#waiters.entries()].reverse()) {",
    breaks: "of an owner's waits the last is behind all that the others are behind",
  }, {
    from: "    const told = this.#told;",
    to: "    const told = { ...this.#told };",
    breaks: "in a search those ahead of several waiters are followed once",
  }, {
    from:
      "    if (standing === undefined) this.#standings.set(lock, standing = new Standing(lock));",
    to: "    standing = new Standing(lock);",
    breaks: "a search asks each lock once",
  }, {
    from: "    for (const standing of this.#standings.values()) standing.restart();\n",
    to: "",
    breaks: "whom a search for certain cycles has passed by is found by the next",
  }]),
  ...of("lib/deadlock.ts", deadlock, [{
    from: "search.find((owner) => !(owner instanceof InferredOwner));",
    to: "search.find(() => true);",
    breaks: "inferred owners are never refused",
  }, {
    from: "      this.#graph.end(wait);\n",
    to: "",
    breaks: "a wait that has ended is forgotten",
  }]),
  ...of("lib/_lock_request.ts", manager, [{
    from: "if (holders.size === 0) resources.delete(name);",
    to: "",
    breaks: "a name that is free costs nothing",
  }, {
    from: "      holder.#guard = undefined;\n",
    to: "",
    breaks: "one that was robbed of a lock does not release it",
  }, {
    from: "if (signal?.aborted) {",
    to: "if (signal === null) {",
    breaks: "a callback is not called after its signal has aborted",
  }, {
    from: "    holders.clear();\n",
    to: "",
    breaks: "one that was robbed of a lock does not hold it",
  }]),
  ...of("lib/lock_manager.ts", manager, [{
    from: "else if (ifAvailable) resolve(Promise.resolve(null).then(callback));",
    to: "",
    breaks: "a request with ifAvailable does not wait",
  }, {
    from: "const held = holders.sort(([a], [b]) => a.order - b.order)",
    to: "const held = holders",
    breaks: "query() lists holders in the order of their grants",
  }]),
  ...of("lib/_signals.ts", signals, [{
    from: "  if (signal.aborted) return void controller.abort(signal.reason);\n",
    to: "",
    breaks: "a signal that has aborted is relayed too",
  }, {
    from: "if (signal?.aborted) throw signal.reason;",
    to: "signal?.throwIfAborted();",
    breaks: "a signal needs no more than it is checked for",
  }]),
  ...of("lib/_thenable.ts", snapshots, [{
    from: ' || typeof value === "function") &&',
    to: ") &&",
    breaks: "a view waits for whatever is awaited",
  }]),
  ...of("lib/snapshots.ts", snapshots, [{
    from: "run.start(fn, base.value, asked, this.#deadlines);",
    to: "run.start(fn, base.value, options, this.#deadlines);",
    breaks: "options may be used again, for something else, while an update waits or runs",
  }, {
    from: "return Promise.resolve(result).finally(() => pin[Symbol.dispose]()) as R;",
    to: "return Promise.resolve(result) as R;",
    breaks: "a view is over when what it answered has settled",
  }, {
    from: "    if (epoch !== this.epoch) {\n",
    to: "    if (epoch === -1) {\n",
    breaks: "no commit is overwritten unseen",
  }, {
    from: "    if (this.#versions.current !== base) {\n",
    to: "    if (base === undefined) {\n",
    breaks: "an update loses its base to a commit that comes first",
  }, {
    from: "this.#versions.retireUnpinned(before);",
    to: "",
    breaks: "a version that nobody pins is retired when it is replaced",
  }]),
  ...of("lib/snapshots.ts", snapshotsStats, [{
    from: "this.#changes.come(epoch);",
    to: "",
    breaks: "who waits for a change is told of it",
  }, {
    from: "if (this.epoch > since) return Promise.resolve(this.epoch);",
    to: "",
    breaks: "a change that has come already is not waited for",
  }, {
    from: 'this.#writes.end(write, aborted ? "aborted" : late ? "timedOut" : "failed");',
    to: "",
    breaks: "a write that gives up is counted, and shown no longer",
  }]),
  ...of("lib/_changes.ts", snapshotsStats, [{
    from: "    this.#lines.delete(epoch - 1);\n",
    to: "",
    breaks: "those who have been told are forgotten",
  }, {
    from: "      wait.limit?.end();\n      wait.resolve(epoch);",
    to: "      wait.resolve(epoch);",
    breaks: "no timer or listener outlives a wait that was served",
  }, {
    from: "if (line.size === 0) this.#lines.delete(wait.since);",
    to: "",
    breaks: "a wait that gives up leaves nothing behind",
  }]),
  ...of("lib/_version.ts", snapshots, [{
    from: "    this.#version = undefined;\n    version.pins--;",
    to: "    version.pins--;",
    breaks: "a pin counts itself off once",
  }, {
    from: "if (version.pins === 0 && version !== this.current) this.#retire(version);",
    to: "if (version !== this.current) this.#retire(version);",
    breaks: "no version is retired while it is pinned",
  }, {
    from: "if (version.pins === 0 && version !== this.current) this.#retire(version);",
    to: "if (version.pins === 0) this.#retire(version);",
    breaks: "the current version is not retired",
  }]),
  ...of("lib/_version.ts", snapshotsStats, [{
    from: "    newer!.older = older;\n",
    to: "",
    breaks: "the retained versions are linked from the oldest to the current",
  }]),
  ...of("lib/_writes.ts", snapshotsStats, [{
    from: "    this.#open.remove(write.chunk!, write);\n",
    to: "",
    breaks: "a write that has ended is no longer under way",
  }]),
  ...of("lib/_uuid.ts", ["tests/lib/uuid_test.ts"], [{
    from: "if (now > this.#ms) {",
    to: "if (now !== this.#ms) {",
    breaks: "UUIDs go up though the clock goes back",
  }]),
  ...of("lib/_update.ts", snapshots, [{
    from: "if (signal?.aborted) {",
    to: "if (signal === null) {",
    breaks: "no update begins after its signal has aborted",
  }, {
    from: "if (this.#limit.elapsed > limit) {",
    to: "if (this.#limit === null) {",
    breaks: "a result that comes after the limit is refused",
  }]),
  ...of("lib/_limit.ts", snapshots, [{
    from: "if (this.#deadline !== undefined) this.#deadlines.remove(this.#deadline);",
    to: "",
    breaks: "no timer outlives its wait",
  }, {
    from: "    this.#link?.remove();\n",
    to: "",
    breaks: "no listener outlives its wait",
  }]),
  ...of("lib/_file_slot.ts", fileLock, [{
    from: "request.path), this.#lock.id)) {\n      this.#inside++;",
    to: "request.path), this.#lock.id) || true) {\n      this.#inside++;",
    breaks: "a lock whose file was replaced is acquired on the new one",
  }, {
    from: "if (this.#lock.held !== undefined) this.#lock.release();",
    to: "",
    breaks: "with nobody inside or on the way the process holds no flock",
  }, {
    from: "    this.#forget(parked);\n    parked.place.release();",
    to: "    this.#forget(parked);",
    breaks: "one that gives up while it is parked gives its place back",
  }, {
    from: "if (this.#parked.size === 0) this.#stopAsking();",
    to: "",
    breaks: "while nobody is parked there is no timer, and the gate is not held",
  }, {
    from: "const due = this.#handOffs.add() && lock.othersWait();",
    to: "const due = this.#handOffs.add() && lock.held === undefined;",
    breaks: "a process gives way to one that waits",
  }, {
    from: "if (lock.held === mode && !due) return true;",
    to: "if (!due) return true;",
    breaks: "the flock is held in the mode of those inside",
  }, {
    from: "if (this.#lock.held !== undefined) return { holders, waiters: here };",
    to: "return { holders, waiters: here };",
    breaks: "a place in the queue alone is not yet the lock",
  }]),
  ...of("lib/_file_gate.ts", fileLock, [{
    from: "    this.held = mode;\n    this.leaveGate();",
    to: "    this.held = mode;",
    breaks: "one who has the lock leaves the gate",
  }, {
    from: "      if (!tryBriefly(this.#gate, mode)) return false;\n",
    to: "",
    breaks: "whoever wants the lock passes the gate first",
  }, {
    from: "    this.#gate.unlock();\n    return false;",
    to: "    return false;",
    breaks: "looking whether others wait does not shut the gate",
  }]),
  ...of("lib/file_lock.ts", fileLock, [{
    from: "if (this.#closed && !waits) {",
    to: "if (this.#closed) {",
    breaks: "who waits when the lock is closed is served",
  }, {
    from: "      if (this.#closed) this.#detach();\n",
    to: "",
    breaks: "a closed lock keeps no descriptors",
  }]),
  ...of("lib/_file_slots.ts", fileLock, [{
    from: "    } catch {\n      return undefined;\n",
    to: "    } catch {\n      throw new Error(path);\n",
    breaks: "one whose time is up is told so, though the path cannot be looked at",
  }, {
    from: "        if (known !== undefined) {",
    to: "        if (known === null) {",
    breaks: "a file has one slot, whatever paths lead to it",
  }]),
  ...of("lib/_file_slot.ts", fileLock, [{
    from: "if (!this.closed) this.#keeper.rests();",
    to: "",
    breaks: "what was in use at once is not kept open afterwards",
  }]),
  ...of("lib/_file_path.ts", fileLock, [{
    from: "export const LOCK_FILE_MODE = 0o600;",
    to: "export const LOCK_FILE_MODE = 0o666;",
    breaks: "lock files are for their owner alone",
  }]),
  ...of("lib/_file_parked.ts", fileLock, [{
    from: "    this.#limit.end();\n",
    to: "",
    breaks: "a flock that was granted is not lost to a timeout that comes later",
  }]),
  ...of("lib/_file_hand_offs.ts", fileLock, [{
    from: "if (this.#count < HAND_OFFS && now",
    to: "if (now",
    breaks: "a process looks for others after so many hand-offs",
  }, {
    from: " && now - this.#since < KEPT_MS) return false;",
    to: ") return false;",
    breaks: "a process looks for others after so long",
  }]),
  ...of("lib/_file_meter.ts", ["tests/lib/file_lock_stats_test.ts"], [{
    from: "    if (this.#named.waiting) return;\n",
    to: "",
    breaks: "an acquire that waits twice has waited once",
  }, {
    from: "this.#meter.others.record(this.#host.now() - this.#parkedAt);",
    to: "",
    breaks: "what other processes were waited for is counted apart",
  }]),
  ...of("lib/_file_replace.ts", fileSnapshots, [{
    from: "      file.sync();\n",
    to: "",
    breaks: "what is renamed into place is durable before",
  }, {
    from: "    files.syncFolder(files.folderOf(path));\n",
    to: "",
    breaks: "an update that has returned survives a power loss",
  }, {
    from: "const file = createAnew(files, next, mode);",
    to: "const file = files.open(path, { create: true, mode });",
    breaks: "the file that a reader has opened is never written to",
  }, {
    from: "const options = { create: true, exclusive: true, mode };",
    to: "const options = { create: true, mode };",
    breaks: "what a writer that died has left does not get into the next version",
  }]),
  ...of("lib/_file_version.ts", fileSnapshots, [{
    from: "if (checksum(start, payload) !== expected) {",
    to: "if (expected === undefined) {",
    breaks: "a damaged value is refused",
  }]),
  ...of("lib/file_snapshots.ts", fileSnapshots, [{
    from: "await run.start(fn, value, asked, this.#deadlines)",
    to: "await run.start(fn, value, options, this.#deadlines)",
    breaks: "options may be used again, for something else, while an update waits or runs",
  }, {
    from: "if (epoch !== expected) throw new ConflictError(expected, epoch);",
    to: "",
    breaks: "a commit on an epoch that is past is refused",
  }]),
  ...of("lib/_file_slots.ts", tableCrashes, [{
    from: "makeLastingFolder(files, files.folderOf(path));",
    to: "files.makeFolder(files.folderOf(path), 0o700);",
    breaks: "a folder that a lock made lasts as long as what others put there",
  }]),
  ...of("lib/queue/_csv.ts", ["tests/lib/queue/csv_row_test.ts"], [{
    from: 'if (fields.length === 1 && fields[0] === "") return \'""\';',
    to: "",
    breaks: "a row of nothing but an empty field is a row",
  }, {
    from: `["\\\\r\\\\n\${escaped}]|^\${BYTE_ORDER_MARK}`,
    to: `["\\\\n\${escaped}]|^\${BYTE_ORDER_MARK}`,
    breaks: "a field with a carriage return in it is read back as it was",
  }, {
    from:
      "if (quote + 1 < text.length && next !== this.#delimiter && next !== LF && next !== CR) {",
    to: "if (quote + 1 < text.length && next === QUOTE) {",
    breaks: "what is no CSV is refused",
  }]),
  ...of("lib/queue/_table_files.ts", ["tests/lib/queue/names_test.ts"], [{
    from:
      'if (name === "." || name === "..") return refuse(RangeError, "is not inside the base folder");',
    to: "",
    breaks: "no name leads out of the base folder",
  }, {
    from: "/[/\\\\:\\x00-\\x1f\\x7f]/",
    to: "/[\\\\:\\x00-\\x1f\\x7f]/",
    breaks: "a name is that of one folder",
  }, {
    from: "    if (files.isLink(path)) {",
    to: "    if (files.isLink(path) && path !== table) {",
    breaks: "no link in a table's place is followed",
  }]),
  ...of("lib/queue/_queue_file.ts", queue, [{
    from: 'if (checksum(name, written) !== expected) return refuse("its checksum does not match");',
    to: "",
    breaks: "a damaged queue file is not applied",
  }, {
    from: "crc32(new TextEncoder().encode(name + write))",
    to: "crc32(new TextEncoder().encode(write))",
    breaks: "a queue file counts only where it was put",
  }, {
    from: "\\}\\n$/s;",
    to: "\\}\\n$/;",
    breaks: "a row may have any text in it",
  }, {
    from: "  if (sequence > Number.MAX_SAFE_INTEGER) return undefined;\n",
    to: "",
    breaks: "a name with a number that no write can have is none of the queue's",
  }]),
  ...of("lib/queue/_write_queue.ts", queue, [{
    from: "Math.max(applied, this.#lastOf(all)) + 1",
    to: "this.#lastOf(all) + 1",
    breaks: "no number is given again that the table has counted",
  }, {
    from: "Math.max(applied, this.#lastOf(all)) + 1",
    to: "applied + pending + 1",
    breaks: "a new number is greater than those that are there",
  }, {
    from: "Math.max(applied, this.#lastOf(all)) + 1",
    to: "Math.max(applied, all.at(-1)?.sequence ?? 0) + 1",
    breaks: "a file that cannot be read leaves numbers for others",
  }, {
    from: "if (sequence > Number.MAX_SAFE_INTEGER) {",
    to: "if (false) {",
    breaks: "no write is accepted under a number that is another's too",
  }, {
    from: "if (pending >= limit) throw",
    to: "if (pending > limit) throw",
    breaks: "no more are pending than may be",
  }, {
    from: "    if (files.isLink(path)) {",
    to: "    if (false) {",
    breaks: "no link in the place of a queue file is followed",
  }]),
  ...of("lib/queue/_write_queue.ts", tableCrashes, [{
    from: "if (all.length === 0) makeLastingFolder(files, queue);",
    to: "",
    breaks: "a write that was accepted survives a power loss",
  }, {
    from: "    if (this.setAside().length > 0) files.syncFolder(this.#at.queue);",
    to: "    if (misfits.length > 0) files.syncFolder(this.#at.queue);",
    breaks: "what is counted beyond is set aside for good",
  }, {
    from: "    this.remove(file);\n    files.syncFolder(this.#at.queue);",
    to: "    this.remove(file);",
    breaks: "what was removed does not come back",
  }]),
  ...of("lib/queue/_turn.ts", tableCrashes, [{
    from: "      content.applied = file.sequence;\n",
    to: "",
    breaks: "a queued write is applied once",
  }]),
  ...of("lib/queue/_turn.ts", queue, [{
    from: "    } else if (write !== undefined) queue.remove(file);\n",
    to: "    }\n",
    breaks: "what is left of an applied write is taken away",
  }, {
    from:
      "for (const file of queue.leftovers(content.applied)) {\n    const write = queue.read(file);",
    to: "for (const file of queue.leftovers(content.applied)) {\n    const write = null;",
    breaks: "what cannot be read is set aside, whatever its number",
  }]),
  ...of("lib/queue/table.ts", tableCrashes, [{
    from:
      "if (files.identify(this.#at.table) === undefined) makeLastingFolder(files, this.#at.folder);",
    to: "",
    breaks: "the folder of a table that was written to survives a power loss",
  }]),
  ...of("lib/queue/_turn.ts", tables, [{
    from: "  const refusal = own && content.apply(own, name);\n",
    to: "  const refusal = own && parts.file.read().apply(own, name);\n",
    breaks: "a write is applied after what was pending before it",
  }, {
    from: "  if (outcome.drained > 0) cleanQuietly(queue, content.applied);\n",
    to: "",
    breaks: "no file is left of a write that was applied",
  }]),
  ...of("lib/queue/_table_content.ts", tables, [{
    from:
      "    if (misfit !== undefined) return new WriteRefusedError(table, operation, misfit.key);\n",
    to:
      "    if (misfit === changed[0]) return new WriteRefusedError(table, operation, misfit.key);\n",
    breaks: "a write that does not fit is refused as a whole",
  }, {
    from: "match[0] === appliedLine(applied) ?",
    to: "true ?",
    breaks: "a damaged count is not believed",
  }]),
  ...of("lib/queue/_table_file.ts", tables, [{
    from: "if (known !== undefined && same(known.bytes, bytes)) return",
    to: "if (known !== undefined && known.bytes.length === bytes.length) return",
    breaks: "what another wrote is read",
  }, {
    from: "    const known = this.#known;\n    this.#known = undefined;",
    to: "    const known = this.#known;",
    breaks: "what could not be written is not taken for what is there",
  }]),
  ...of("lib/queue/drainer.ts", tables, [{
    from: "if (!this.stopped) this.#asker.askLater(this.#pause, true);",
    to: "this.#asker.askLater(this.#pause, true);",
    breaks: "a drainer that was stopped leaves no timer",
  }]),
  ...of("lib/processor/_permits.ts", admission, [{
    from: "if (this.held >= this.limit) return false;",
    to: "if (this.held > this.limit) return false;",
    breaks: "no more jobs are pending than may be",
  }]),
  ...of("lib/processor/_admission.ts", admission, [{
    from: "      permits.release();\n      const error = new CircuitOpenError(",
    to: "      const error = new CircuitOpenError(",
    breaks: "what a circuit refuses takes no place",
  }]),
  ...of("lib/processor/_admission.ts", ["tests/lib/processor/shutdown_test.ts"], [{
    from: "    if (!this.#isOpen) {\n      return this.#refuse(",
    to: "    if (false) {\n      return this.#refuse(",
    breaks: "a processor that is shut down accepts nothing",
  }]),
  ...of("lib/processor/_pool.ts", admission, [{
    from: "    this.permits.release();\n",
    to: "",
    breaks: "the place of a job comes back when it ends",
  }]),
  ...of("lib/processor/_pool.ts", dispatch, [{
    from: "if (worker.load < least.load) least = worker;",
    to: "if (worker.load > least.load) least = worker;",
    breaks: "a job waits at the worker with the least to do",
  }, {
    from: "if (!this.options.stealing) return first;",
    to: "return first;",
    breaks: "with stealing no worker rests while anything waits",
  }, {
    from: "if (workers.length <= this.options.min) return;",
    to: "",
    breaks: "there are never fewer workers than min",
  }]),
  ...of("lib/processor/_job.ts", ["tests/lib/processor/batch_test.ts"], [{
    from: "    if (this.hasEnded) return;\n    this.hasEnded = true;",
    to: "    this.hasEnded = true;",
    breaks: "a job ends once",
  }]),
  ...of("lib/processor/_run.ts", ["tests/lib/processor/processor_test.ts"], [{
    from:
      "if (this.isOver) return pool.ledger.abandoned.remove();\n    this.settle(outcome);\n    pool.release(this.worker!);",
    to: "if (this.isOver) return pool.ledger.abandoned.remove();\n    this.settle(outcome);",
    breaks: "a worker that has done its job does the next",
  }]),
  ...of("lib/processor/_worker_thread.ts", ["tests/lib/processor/threads_test.ts"], [{
    from: "    if (life !== this.#life) return;\n    this.#life = undefined;",
    to: "    this.#life = undefined;",
    breaks: "the end of a former thread is not taken for that of this one",
  }, {
    from: "if (life.isUp && this.#worker.pool.isOpen)",
    to: "if (this.#worker.pool.isOpen)",
    breaks: "a thread that cannot start is not started again and again",
  }, {
    from: '    if (type !== "up" && type !== "done" && type !== "failed") return;\n',
    to: "",
    breaks: "what a handler's module sends by itself is no answer",
  }]),
  ...of("lib/processor/_breaker.ts", admission, [{
    from: "    if (pass !== this.#number) return;\n",
    to: "",
    breaks: "what began before a circuit opened does not close it",
  }, {
    from: 'if (verdict === "none") this.#trials--;',
    to: 'if (verdict === "none") return;',
    breaks: "a trial without an outcome gives its place back",
  }]),
  ...of("lib/processor/_shutdown.ts", ["tests/lib/processor/shutdown_test.ts"], [{
    from: "if (pending.count === 0 || due >= this.#due) return;",
    to: "if (pending.count === 0 || this.#due < Infinity) return;",
    breaks: "the shortest timeout of several shutdowns counts",
  }, {
    from: "    await this.#quiet();\n",
    to: "",
    breaks: "handlers whose signals have aborted have time to end",
  }]),
  ...of("lib/store/_sealed_stream.ts", sealed, [{
    from: "new DataView(this.#nonce.buffer).setUint32(7, this.#count++);",
    to: "this.#count++;",
    breaks: "a chunk opens at its own place only",
  }, {
    from: "this.#nonce[11] = last ? 1 : 0;",
    to: "this.#nonce[11] = 0;",
    breaks: "only the end opens as the end",
  }, {
    from: "    additionalData: header as BufferSource,\n",
    to: "",
    breaks: "the header is authenticated with each chunk",
  }]),
  ...of("lib/store/_sealed_header.ts", sealed, [{
    from: "  if (workOf(cost) > limit) {",
    to: "  if (workOf(cost) > Infinity) {",
    breaks: "a hostile header cannot ask for more memory than is allowed",
  }]),
  ...of("lib/store/_engine.ts", contract, [{
    from: "if (this.#backend.current().find(key)?.version !== version) return undefined;",
    to: "if (this.#backend.current().find(key)?.version === Infinity) return undefined;",
    breaks: "compareAndSet() sets only what is as it was seen",
  }, {
    from: "    const wait = { timeout: allowance.left, signal, label };\n" +
      "    await this.#commit(new Map([[key, undefined]]), wait);",
    to: "    const wait = { ...options, timeout: allowance.left };\n" +
      "    await this.#commit(new Map([[key, undefined]]), wait);",
    breaks: "options may be used again, for something else, while a write waits",
  }]),
  ...of("lib/store/locked_store.ts", contract, [{
    from: "fn(this.#store, { ...asked, timeout: allowance.left });",
    to: "fn(this.#store, { ...options, timeout: allowance.left });",
    breaks: "options may be used again, for something else, while one waits for the lock",
  }]),
  ...of("lib/store/_file_backend.ts", storeCrashes, [{
    from: "    if (adds || gone) this.#contents.sync();\n",
    to: "",
    breaks: "a manifest refers only to content that lasts",
  }]),
  ...of("lib/store/_contents.ts", storeCrashes, [{
    from: "      file.write(bytes, 0);\n      file.sync();",
    to: "      file.write(bytes, 0);",
    breaks: "content is synced before a manifest refers to it",
  }, {
    from: "if (since <= this.#oldest && removeIfThere(",
    to: "if (removeIfThere(",
    breaks: "what somebody has pinned is not removed",
  }, {
    from: "      this.#files.syncFolder(this.#folder);\n      const needed",
    to: "      const needed",
    breaks: "a lease goes only when what its owner has committed lasts",
  }, {
    from: "    this.#files.syncFolder(this.#folder);\n    return ofDead",
    to: "    return ofDead",
    breaks: "nothing is collected that a power loss could bring back",
  }]),
  ...of("lib/workers/_lock_seat.ts", shared, [{
    from: "if ((word & FLAGS) !== 0 && this.#anyoneWaits()) return false;",
    to: "",
    breaks: "nobody who begins later overtakes the queue",
  }, {
    from: "if ((word & barred) !== 0 || this.#someoneAhead(writes)) return false;",
    to: "if ((word & barred) !== 0) return false;",
    breaks: "waiters enter in the order of their tickets",
  }, {
    from: "if (Atomics.compareExchange(words, WORD, word, rest) === word) return this.wake();",
    to: "if (Atomics.compareExchange(words, WORD, word, rest) === word) return;",
    breaks: "the last to leave wakes the first in the queue",
  }, {
    from: "const next = ((word & ~mine) + GENERATION) | 0;",
    to: "const next = word & ~mine;",
    breaks: "a compare-and-swap that a dead owner was about to do fails",
  }, {
    from: "    this.#poke(owner);\n    this.wake();",
    to: "    this.#poke(owner);",
    breaks: "a reaper wakes those whom the dead kept out",
  }, {
    from: "      if (!this.alive) return;\n",
    to: "",
    breaks: "a dead owner's release changes nothing",
  }, {
    from: "if (Atomics.load(words, this.at) !== this.idle) throw this.gone(actionOf(writes));",
    to: "",
    breaks: "an acquire by a revived owner throws",
  }]),
  ...of("lib/workers/_seat.ts", shared, [{
    from: "      if ((found & ~STATE) !== tenure) return undefined;\n",
    to: "",
    breaks: "a slow reaper takes nothing from the next owner",
  }, {
    from: "const given = (this.idle & ~STATE) + TENURE;",
    to: "const given = this.idle & ~STATE;",
    breaks: "one that has detached is shut out when its number is taken again",
  }]),
  ...of("lib/workers/_thread_side.ts", lockContract, [{
    from:
      "    return this.#pass(writes) ? this.#hold(writes, this.#admit(writes, timed)) : undefined;",
    to: "    return this.#pass(writes)\n" +
      "      ? this.#hold(writes, this.#admit(writes, this.#timedFor(writes, options) ?? timed))\n" +
      "      : undefined;",
    breaks: "a getter that throws leaves nothing begun for a task either",
  }]),
  ...of("lib/workers/_thread_side.ts", shared, [{
    from: "const turn = this.#door.tryWrite()!;",
    to: "const turn = new RwLock().tryWrite()!;",
    breaks: "who is told of a synchronous wait may wait behind it",
  }, {
    from: "if (this.#pass(writes)) return this.#admit(writes, timed);",
    to: "if (this.#pass(writes)) return this.#admit(writes, this.#timedFor(writes, options));",
    breaks: "a getter that throws leaves nothing begun",
  }, {
    from: "          awaited.withdraw();\n          seat.wake();",
    to: "          seat.withdraw(writes);\n          seat.wake();",
    breaks: "one whose thread was reaped is a waiter no more",
  }, {
    from: "        seat.withdraw(writes);\n        seat.wake();",
    to: "        seat.withdraw(writes);",
    breaks: "a waiter that gives up synchronously passes its turn on",
  }, {
    from: "      afterwards: () => seat.wake(),",
    to: "      afterwards: () => {},",
    breaks: "a waiter that gives up passes its turn on",
  }, {
    from: "else if (--this.#inside !== 0) return;",
    to: "else this.#inside--;",
    breaks: "only the last reader of a thread leaves the seat",
  }]),
  ...of("lib/workers/shared_barrier.ts", barrier, [{
    from: "if (roundOf(word) !== round) return false;",
    to: "",
    breaks: "an arrival is taken back only from a round that is open",
  }, {
    from: "if (index > 0) Atomics.notify(this.#words, WORD);",
    to: "",
    breaks: "the last to arrive wakes the others",
  }, {
    from: "const next = last ? (roundOf(word) + ROUND) | 0 : word + 1;",
    to: "const next = last ? (word + ROUND) | 0 : word + 1;",
    breaks: "a round begins with nobody in it",
  }, {
    from: "if (Atomics.compareExchange(this.#words, WORD, word, next) !== word) continue;",
    to: "Atomics.store(this.#words, WORD, next);",
    breaks: "no arrival is lost to another",
  }, {
    from: "      if (this.#withdraw(round)) throw error;\n",
    to: "      throw error;\n",
    breaks: "a party that times out synchronously has not arrived",
  }, {
    from: "      withdraw: () => this.#withdraw(round),",
    to: "      withdraw: () => true,",
    breaks: "a party that gives up has not arrived",
  }]),
  ...of("lib/workers/_slots.ts", slots, [{
    from: "    if (!marked || (Atomics.load(this.#words, this.#current) & SLOT) !== slot) {",
    to: "    if (!marked) {",
    breaks: "what a reader has pinned is what it found current afterwards",
  }, {
    from: "      if ((this.#seat.allMarks() & (1 << slot)) === 0) return { slot, use };",
    to: "      return { slot, use };",
    breaks: "nobody writes where somebody reads",
  }, {
    from: "      const stale = this.#pins[slot] === 0 ? 1 << slot : 0;",
    to: "      const stale = 0;",
    breaks: "a reader that came too late leaves no mark",
  }, {
    from: "      if (stale !== 0) this.freed.ring();\n",
    to: "",
    breaks: "a writer that found such a mark is woken",
  }, {
    from: "    const last = --this.#pins[slot] === 0;",
    to: "    const last = --this.#pins[slot] >= 0;",
    breaks: "a version is pinned until the last of a thread's pins on it is gone",
  }, {
    from: "    if (last) this.freed.ring();",
    to: "",
    breaks: "a release wakes the writer that waits for a slot",
  }, {
    from: "    if (seen !== undefined && seen.epoch === epoch) return seen;",
    to: "    if (seen !== undefined) return seen;",
    breaks: "a slot that was written again has another version",
  }, {
    from: "    return this.#find(false) ?? this.#find(true);",
    to: "    return this.#find(false);",
    breaks: "a slot that a dead thread was writing to can be had",
  }, {
    from: "    if (Atomics.compareExchange(words, header + USE, use, mine) !== use) return false;",
    to: "    Atomics.store(words, header + USE, mine);",
    breaks: "one that was reaped writes no slot that has been used since it was found",
  }, {
    from: "      Atomics.compareExchange(words, header + USE, mine, mine ^ WRITING);",
    to: "",
    breaks: "a slot that has been written is as good as any other",
  }, {
    from: '      this.#seat.verify("commit to");\n      const next = (word & ~SLOT)',
    to: "      const next = (word & ~SLOT)",
    breaks: "one that has been reaped publishes nothing",
  }, {
    from: "    this.changed.ring();",
    to: "",
    breaks: "a commit wakes those who wait for a change",
  }, {
    from: "    Atomics.add(this.#words, this.#current, STAMP);",
    to: "",
    breaks: "a swap that one was about to do when it was reaped fails",
  }, {
    from: "    this.freed.toll();",
    to: "",
    breaks: "a reaper wakes the writer that waits for what the dead had pinned",
  }, {
    from: "      if (Atomics.load(this.#words, this.#current) === word) return epoch;",
    to: "      return epoch;",
    breaks: "an epoch is not half of one and half of another",
  }]),
  ...of("lib/workers/_lock_seat.ts", sharedSnapshots, [{
    from: "    besides?.fence();\n",
    to: "",
    breaks: "before the turn of the dead is given on it can publish nothing any more",
  }]),
  ...of("lib/workers/_seat.ts", slots, [{
    from:
      "    if (!this.alive || Atomics.compareExchange(words, this.at + MARKS, before, after) !== before) {",
    to: "    if (Atomics.compareExchange(words, this.at + MARKS, before, after) !== before) {",
    breaks: "one whose seat was taken away and given out marks nothing",
  }, {
    from: "      const bare = tagOf(dead + TENURE);",
    to: "      const bare = marks;",
    breaks: "what the dead had pinned is free",
  }]),
  ...of("lib/workers/_bell.ts", slots, [{
    from: "    Atomics.add(this.#words, this.signal, 1);",
    to: "",
    breaks: "who read the counter before a ring does not sleep on",
  }, {
    from: "    if (Atomics.load(this.#words, this.#flag) !== 0) this.toll();",
    to: "    this.toll();",
    breaks: "where nobody sleeps nobody is called",
  }]),
  ...of("lib/workers/_slot_writer.ts", sharedSnapshots, [{
    from: "            slots.unpin(base.slot);",
    to: "",
    breaks: "an update keeps the version it was given no longer than its function runs",
  }, {
    from: "    const left = Math.max(0, timeout - this.#waited(write));",
    to: "    const left = timeout;",
    breaks: "one timeout bounds the wait for a turn and a slot",
  }, {
    from: "    if (epoch !== expected) throw new ConflictError(expected, epoch);",
    to: "",
    breaks: "no commit is overwritten unseen that came while one waited",
  }, {
    from: "      throwIfAborted(options.signal);\n      this.writes.start(write);",
    to: "      this.writes.start(write);",
    breaks: "nothing is committed after its signal has aborted",
  }, {
    from: "        this.#refuseOwnWay();\n      });",
    to: "      });",
    breaks: "a blocked thread does not wait for its own pins by way of another",
  }, {
    from: "    if (expected === undefined) return undefined;\n    return () => {",
    to: "    return () => {\n      if (expected === undefined) return;",
    breaks: "who has nothing to give up for is not asked",
  }]),
  ...of("lib/workers/shared_snapshots.ts", sharedSnapshots, [{
    from: "return await this.#writer.update(fn, { timeout, signal, label, owner, limit });",
    to: "return await this.#writer.update(fn, options);",
    breaks: "options may be used again, for something else, while an update waits",
  }]),
  ...of("lib/workers/_slot_writer.ts", slots, [{
    from: "    this.#side.seat.pokeQueue();\n",
    to: "",
    breaks: "commits that have become pointless give up and do not stand in a writer's way",
  }]),
  ...of("lib/workers/_thread_side.ts", slots, [{
    from: "        worthwhile?.();\n        return entered",
    to: "        return entered",
    breaks: "a blocked commit that has become pointless gives up",
  }]),
  ...of("lib/workers/_thread_side.ts", sharedSnapshots, [{
    from: "        this.#clearDoor();\n",
    to: "",
    breaks: "a commit that has become pointless gives up also behind others of its thread",
  }, {
    from: "          awaited.withdraw();\n          seat.wake();\n          throw reason;",
    to: "          seat.wake();\n          throw reason;",
    breaks: "a commit that gives up leaves the queue",
  }]),
  ...of("lib/workers/_slot_changes.ts", sharedSnapshots, [{
    from: '        slots.verify("wait for a change of");\n',
    to: "",
    breaks: "one that has been reaped waits for no change",
  }, {
    from: "        changed.arm();",
    to: "",
    breaks: "who waits for a change is told of it",
  }]),
  ...of("lib/workers/_slot_readers.ts", sharedSnapshots, [{
    from:
      "    if (isThenable(result)) return viewed(slots, result, version) as R;\n  } catch (error) {\n    slots.unpin(version.slot);\n    throw error;\n  }",
    to:
      "  } catch (error) {\n    slots.unpin(version.slot);\n    throw error;\n  }\n  if (isThenable(result)) return viewed(slots, result, version) as R;",
    breaks: "a view keeps nothing pinned, though the answer's `then` cannot be read",
  }, {
    from: "  slots.giveBack(version.slot);",
    to: "  slots.unpin(version.slot);",
    breaks: "what a view has read is not answered when the thread has been reaped meanwhile",
  }]),
  ...of("lib/redis/_script.ts", redisLock, [{
    from: "local id = redis.call('ZRANGE', queue, 0, 0)[1]",
    to: "local id = redis.call('ZRANGE', queue, -1, -1)[1]",
    breaks: "the server serves first come, first served",
  }, {
    from: "if redis.call('ZCARD', queue) == 0 then",
    to: "if true then",
    breaks: "a reader does not overtake a writer in the queue of the server",
  }, {
    from: "    if wants == 'w' and inside > 0 then return end\n",
    to: "",
    breaks: "a writer is not let in beside readers",
  }]),
  ...of("lib/redis/_script.ts", redisHostile, [{
    from: "if redis.call('HDEL', holders, id) == 0 then",
    to: "if redis.call('DEL', holders) == 0 then",
    breaks: "a release frees no other's lock",
  }, {
    from: "math.max(last + 1, micros)",
    to: "micros",
    breaks: "tokens only grow, also over a clock that went back",
  }, {
    from: "keep(key, 2 * lease) end\n  keep(meta, ${TOKEN_KEPT})\n",
    to: "keep(key, 2 * lease) end\n",
    breaks: "what is kept of a name outlives its holders",
  }, {
    from: "if inside > 1 then return inside, 'r' end",
    to: "if inside >= 1 then return inside, 'r' end",
    breaks: "one holder is taken for what it is",
  }, {
    from: "  keepAll(lease)\n  for i = 3",
    to: "  for i = 3",
    breaks: "leases are renewed though the server's memory is full",
  }]),
  ...of("lib/redis/_script.ts", redisFaults, [{
    from: "local token = hear(id, lease)",
    to: "local token = hear(id, 1)",
    breaks: "who asks again counts the lease from then, and so does the server",
  }]),
  ...of("lib/redis/_side.ts", redisLock, [{
    from: 'if (token === "") this.#heard(around);',
    to: 'if (token === "") void around;',
    breaks: "who is refused at once is told who is inside",
  }, {
    from: "if (session === undefined || early > 0) this.#waits(party);",
    to: "",
    breaks: "a wait counts whatever it is for",
  }]),
  ...of("lib/redis/_side.ts", redisFaults, [{
    from: "this.#trust.watch(party);",
    to: "",
    breaks: "a lease is watched from the grant on",
  }, {
    from: '"enter", args, () => party.pending);',
    to: '"enter", args);',
    breaks: "who gives up while the script is sent anew leaves nothing behind",
  }]),
  ...of("lib/redis/_absentees.ts", redisFaults, [{
    from: "if (now - noted < this.#lease) break;",
    to: "break;",
    breaks: "who gave up while the server is gone is not kept for its return",
  }]),
  ...of("lib/redis/_side.ts", redisHostile, [{
    from: "if (now - oldest > lease && !stopped) return",
    to: "if (now - oldest > lease) return",
    breaks: "whoever was stopped does not blame the server",
  }, {
    from: "      if (mayPass(error)) return this.#askLater(error);\n",
    to: "",
    breaks: "a renewal that was refused for the moment costs no lease",
  }, {
    from: 'if (party.state === "asking") party.refused();',
    to: 'if (party.state === "asking") party.fail(undefined);',
    breaks: "a try that is refused costs one question",
  }]),
  ...of("lib/redis/_connection.ts", redisRefusals, [{
    from: "const farewell = this.soon(told).catch(",
    to: "const farewell = told.catch(",
    breaks: "a release is bounded in time",
  }]),
  ...of("lib/redis/_connection.ts", redisFaults, [{
    from: "if (silent && nobody) session?.close(",
    to: "if (silent && nobody) void (",
    breaks: "a connection that is dead without a word is replaced",
  }, {
    from: "if (silent && nobody) session?.close(",
    to: "if (silent) session?.close(",
    breaks: "a server that says nothing for a while costs nobody who is inside the lock",
  }]),
  ...of("lib/redis/_connection.ts", redisClosing, [{
    from: "    await Promise.all(this.#farewells);\n",
    to: "",
    breaks: "the server knows who has left when the connection is closed",
  }, {
    from: "    this.#end.abort();\n",
    to: "",
    breaks: "closing leaves no attempt to connect behind",
  }]),
  ...of("lib/redis/_absentees.ts", redisRefusals, [{
    from: "else if (!this.#asker.asks) this.#asker.askLater(RETRY, true);",
    to: "",
    breaks: "who left while the server refused for the moment is told of again",
  }, {
    from: "      await promise;\n",
    to: "",
    breaks: "release() resolves when the server has the lock back",
  }]),
  ...of("lib/redis/_side.ts", redisRefusals, [{
    from: "if (mayPass(error)) return this.#askLater(error);",
    to: "if (mayPass(error)) return;",
    breaks: "a renewal that was refused for the moment is asked again soon",
  }, {
    from: "      this.#waits(party);\n      this.#askLater(error);\n",
    to: "      this.#waits(party);\n",
    breaks: "a question that was refused for the moment is asked again soon",
  }, {
    from: "    void this.#absent.tellAgain().then(() => this.#rest());\n",
    to: "",
    breaks: "who left while the connection was lost is told of on the next",
  }, {
    from: "        if (party.pending && isRefusal(error)) this.#refuse(party, error);\n",
    to: "",
    breaks: "who waits hears that the server will not let him in",
  }]),
  ...of("lib/redis/_session.ts", redisHostile, [{
    from: '      await client.sendCommand(["PUBLISH", WAKE + id, ""]);\n',
    to: "",
    breaks: "who may not wake others is told when it connects",
  }]),
  ...of("lib/redis/_side.ts", redisHostile, [{
    from: "await Promise.race([answer, party.promise.then(() => answer)]);",
    to: "await answer;",
    breaks: "a try ends with its signal",
  }, {
    from: "label.slice(0, LABEL_TOLD)",
    to: "label",
    breaks: "a label costs nobody the connection",
  }]),
  ...of("lib/redis/_session.ts", redisRefusals, [{
    from: "|ERR max number of clients)",
    to: ")",
    breaks: "who waits goes on waiting while the server takes no more clients",
  }]),
  ...of("lib/redis/_session.ts", redisRefusals, [{
    from: "/^(MISCONF|NOREPLICAS)/.test",
    to: "/^(NOREPLICAS)/.test",
    breaks: "a server that cannot save for the moment costs no lease",
  }]),
  ...of("lib/redis/_script.ts", redisRefusals, [{
    from: "  if redis.call('ZSCORE', leases, id) then keepAll(lease) end\n",
    to: "",
    breaks: "who waits keeps his place though the server's memory is full",
  }]),
  ...of("lib/redis/_trust.ts", redisFaults, [{
    from: "return lease - lease / 100 - 2;",
    to: "return 2 * lease;",
    breaks: "a lease is trusted for less than the server keeps it",
  }]),
  ...of("lib/redis/_side.ts", redisFaults, [{
    from: "return session.serverStarted + this.options.restartGrace - this.host.now();",
    to: "return 0;",
    breaks: "nobody is let in by a server that may have forgotten who was inside",
  }, {
    from:
      '    for (const party of this.#all("held")) party.lose(`the connection was lost (${reason})`);\n',
    to: "",
    breaks: "a lost connection takes the trust from guards",
  }]),
];
