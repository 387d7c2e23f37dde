/**
 * All that is decided about a lock is decided here, by the server, in one script.
 *
 * What always holds between two calls, for each name: either one writer is inside or any number of
 * readers (so more than one are readers, and nothing else need say so); whoever waits stands in the queue
 * by its ticket, and nobody waits who could be inside (`settle` lets them in whenever somebody has
 * left, gave up or let a lease pass). Everyone has a lease, those who wait too, so whoever dies is
 * forgotten, and the keys expire by themselves when nobody is left to do it. A token is never given
 * twice and never goes back: it is the greater of the last one plus one and the server's clock in
 * microseconds, so it grows even over a server that has lost its data, as long as its clock does not
 * go back by more than it was down.
 *
 * The server's clock decides about leases, its queue about the order, and each call first forgets
 * whose lease has passed. (The lease, the fencing token and the delayed restart are those of Burrows,
 * "The Chubby lock service", OSDI 2006, and of Kleppmann, "How to do distributed locking", 2016.)
 */
import type { LockMode } from "../lock.ts";

/** How long a name's token outlives its last holder, in milliseconds: a week. */
const TOKEN_KEPT = 7 * 24 * 3_600_000;

/** How much of a label the server is told, in UTF-16 code units: it tells all who wait. */
export const LABEL_TOLD = 1024;

/** How many holders are told to those who wait. */
export const HOLDERS_TOLD = 16;

/** Where a connection is told of what its parties were granted. */
export const WAKE = "interlock:wake:";

/** The keys of a lock, all in one slot of a cluster. */
export function keysOf(name: string): string[] {
  // A brace would end the part of a key that its slot is made of.
  const tag = name.replace(/[%{}]/g, encodeURIComponent);
  return ["holders", "waiters", "queue", "leases", "meta"].map((key) =>
    `interlock:{${tag}}:${key}`
  );
}

/** A party as the server knows it. */
export interface RemoteParty {
  readonly mode: LockMode;
  readonly since: number;
  readonly token: bigint | undefined;
  readonly label: string | undefined;
}

/** Reads what the script stores of a party. */
export function readParty(stored: string): RemoteParty {
  const [, mode, , since, token, label] = /^(.):(\d+):(\d+):(\d*):([^]*)$/.exec(stored)!;
  return {
    mode: mode === "w" ? "write" : "read",
    since: Number(since),
    token: token === "" ? undefined : BigInt(token),
    label: label === "" ? undefined : label,
  };
}

/**
 * The script. A party is stored as `mode:lease:since:token:label`. Its operations:
 *
 * - `enter id mode lease waits label` answers `[token]`, or `["", ms, holder…]`: it waits, or was
 *   refused if `waits` is 0. `ms` is the time until the first lease of all would pass. Asked again
 *   with the same id it answers as things stand, and the lease begins anew, as if it were renewed:
 *   whoever asks counts it from his question.
 * - `renew lease id…` answers for each its token, `""` if it waits, `"-"` if it is not known (any
 *   more); then as `enter` the time and the holders.
 * - `leave id…` answers how many of them were known.
 * - `query` answers the server's time, how many holders there are, the holders and the waiters.
 */
export const SCRIPT = `
local holders, waiters, queue, leases, meta = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)

local function keep(key, ms)
  if redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, ms) end
end

local function forget(id)
  local known = redis.call('ZREM', leases, id)
  if redis.call('HDEL', holders, id) == 0 then
    redis.call('HDEL', waiters, id)
    redis.call('ZREM', queue, id)
  end
  return known
end

local function store(key, id, mode, lease, since, token, label)
  redis.call('HSET', key, id, table.concat({mode, lease, since, token, label}, ':'))
  redis.call('ZADD', leases, now + lease, id)
  keep(key, 2 * lease)
  keep(leases, 2 * lease)
end

local function keepAll(lease)
  for _, key in ipairs({holders, waiters, queue, leases}) do keep(key, 2 * lease) end
  keep(meta, ${TOKEN_KEPT})
end

local function hear(id, lease)
  local party = redis.call('HGET', holders, id)
  if not party and redis.call('HEXISTS', waiters, id) == 0 then return nil end
  redis.call('ZADD', leases, now + lease, id)
  return party and string.match(party, '^%a:%d+:%d+:(%d+):') or ''
end

local function admit(id, mode, lease, label)
  local last = tonumber(redis.call('HGET', meta, 'token') or 0)
  local token = string.format('%.0f', math.max(last + 1, micros))
  redis.call('HSET', meta, 'token', token)
  redis.call('PEXPIRE', meta, ${TOKEN_KEPT})
  store(holders, id, mode, lease, now, token, label)
  return token
end

local function crowd()
  local inside = redis.call('HLEN', holders)
  if inside == 0 then return 0 end
  if inside > 1 then return inside, 'r' end
  return 1, string.sub(redis.call('HVALS', holders)[1], 1, 1)
end

local function settle()
  local inside, mode = crowd()
  while mode ~= 'w' do
    local id = redis.call('ZRANGE', queue, 0, 0)[1]
    if not id then return end
    local party = redis.call('HGET', waiters, id) or ''
    local wants, lease, label = string.match(party, '^(%a):(%d+):%d+:%d*:(.*)$')
    if wants == 'w' and inside > 0 then return end
    redis.call('ZREM', queue, id)
    redis.call('HDEL', waiters, id)
    if wants then
      local token = admit(id, wants, tonumber(lease), label)
      redis.call('PUBLISH', '${WAKE}' .. string.match(id, '^[^:]+'), id .. ' ' .. token)
      inside, mode = inside + 1, wants
    end
  end
end

local function around(answer)
  local first = redis.call('ZRANGE', leases, 0, 0, 'WITHSCORES')
  table.insert(answer, first[2] and first[2] - now or 0)
  if redis.call('HLEN', holders) <= ${HOLDERS_TOLD} then
    for _, party in ipairs(redis.call('HVALS', holders)) do table.insert(answer, party) end
  end
  return answer
end

local expired = redis.call('ZRANGEBYSCORE', leases, '-inf', now)
if #expired > 0 then
  for _, id in ipairs(expired) do forget(id) end
  settle()
end

local op = ARGV[1]

if op == 'enter' then
  local id, mode, lease, waits, label = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6]
  -- As when renewing: whoever is known keeps his place though memory is full.
  if redis.call('ZSCORE', leases, id) then keepAll(lease) end
  local token = hear(id, lease)
  if token == '' then return around({''}) end
  if token then return {token} end
  if redis.call('ZCARD', queue) == 0 then
    local inside, inMode = crowd()
    if inside == 0 or mode == 'r' and inMode == 'r' then
      return {admit(id, mode, lease, label)}
    end
  end
  if waits == '1' then
    redis.call('ZADD', queue, redis.call('HINCRBY', meta, 'ticket', 1), id)
    store(waiters, id, mode, lease, now, '', label)
    keep(queue, 2 * lease)
    keep(meta, ${TOKEN_KEPT})
  end
  return around({''})
end

if op == 'renew' then
  local lease, answer = tonumber(ARGV[2]), {}
  -- First, for a script that has written goes on when memory is full, and this write takes none.
  keepAll(lease)
  for i = 3, #ARGV do table.insert(answer, hear(ARGV[i], lease) or '-') end
  return around(answer)
end

if op == 'leave' then
  local known = 0
  for i = 2, #ARGV do known = known + forget(ARGV[i]) end
  if known > 0 then settle() end
  return {known}
end

local answer = {now, redis.call('HLEN', holders)}
for _, party in ipairs(redis.call('HVALS', holders)) do table.insert(answer, party) end
for _, id in ipairs(redis.call('ZRANGE', queue, 0, -1)) do
  table.insert(answer, redis.call('HGET', waiters, id))
end
return answer
`;
