--[[
  Takes a run on, or says that its owner still works on it. Who sends it again gets the same; a run that was lost is
  written anew, with its jobs. A run whose lease has run out goes to whoever asks, with the jobs of who had it.

  Leases are judged by the clock of the Redis that keeps the run: by TIME, when the script runs. A time that came as an
  argument would be a sender's belief, and a sender whose clock had jumped would take a living run.

  KEYS[1]  hash of the run: `fingerprint`, `requestId`, `owner`, `lease` (end, ms by this Redis' clock; absent: nobody
           has anything to do), `order` (absent: none, or settled), `answer` (absent: it has not ended), `job:<attempt>`
  ARGV[1]  token of the claim
  ARGV[2]  fingerprint
  ARGV[3]  request id
  ARGV[4]  order, JSON; empty: none
  ARGV[5]  length of a lease, ms
  ARGV[6]  time to live of the hash, ms
  ARGV[7…] pairs of attempt id and job, JSON; empty: the job is forgotten

  Output: `mine`, the request id of who claimed it first and the jobs, or `running`, or `done`, answer and its time to live in ms, or `other` and 1 (running) or 0
]]
local run, token = KEYS[1], ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- No lease lasts longer: the clock was another's, or it is no lease.
local LONGEST = 600000

local known = redis.call('HMGET', run, 'fingerprint', 'answer', 'owner', 'lease', 'requestId')
local fingerprint, answer, owner = known[1], known[2], known[3]
local lease = tonumber(known[4] or '') or 0
local is_alive = owner and now < lease and lease <= now + LONGEST

if fingerprint and fingerprint ~= ARGV[2] then
  return { 'other', (not answer and is_alive) and 1 or 0 }
end
if fingerprint and answer then
  return { 'done', answer, redis.call('PTTL', run) }
end
if fingerprint and is_alive and owner ~= token then
  return { 'running' }
end

local request_id = fingerprint and known[5] or ARGV[3]
-- Whatever can fail does here, before anything was changed.
redis.call('HSET', run, 'fingerprint', ARGV[2], 'requestId', request_id, 'owner', token,
  'lease', string.format('%.0f', now + ARGV[5]))
redis.call('PEXPIRE', run, ARGV[6])
if not fingerprint then
  redis.call('HDEL', run, 'answer', 'order')
end
if ARGV[4] ~= '' then
  redis.call('HSET', run, 'order', ARGV[4])
end
for i = 7, #ARGV, 2 do
  if ARGV[i + 1] == '' then
    redis.call('HDEL', run, 'job:' .. ARGV[i])
  else
    redis.call('HSET', run, 'job:' .. ARGV[i], ARGV[i + 1])
  end
end

local result = { 'mine', request_id }
local fields = redis.call('HGETALL', run)
for i = 1, #fields, 2 do
  if string.sub(fields[i], 1, 4) == 'job:' then
    result[#result + 1] = fields[i + 1]
  end
end
return result
