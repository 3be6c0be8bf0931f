--[[
  Keeps how a run ended. Who sends it again renews the lease of a run that has duties left. A run that Redis does not
  know is written whole. The answer of who lost the run is dropped: another one works on it, or has ended it.

  KEYS[1]  hash of the run; see claim-run-1.lua
  ARGV[1]  token of the claim
  ARGV[2]  fingerprint
  ARGV[3]  request id
  ARGV[4]  order, JSON; empty: nothing is left to be done for it
  ARGV[5]  length of a lease, ms
  ARGV[6]  time to live of the hash, ms
  ARGV[7]  answer, JSON

  Output: 1 kept, 0 dropped
]]
local run, token = KEYS[1], ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local LONGEST = 600000

local known = redis.call('HMGET', run, 'fingerprint', 'answer', 'owner', 'lease')
local fingerprint, answer, owner = known[1], known[2], known[3]
local lease = tonumber(known[4] or '') or 0
local is_alive = owner and now < lease and lease <= now + LONGEST

if fingerprint and owner ~= token then
  if answer or is_alive or fingerprint ~= ARGV[2] then
    return 0
  end
end

-- Whatever can fail does here, before anything was changed.
redis.call('HSET', run, 'fingerprint', ARGV[2], 'requestId', ARGV[3], 'answer', ARGV[7], 'order', ARGV[4],
  'owner', token, 'lease', string.format('%.0f', now + ARGV[5]))
redis.call('PEXPIRE', run, ARGV[6])
if ARGV[4] == '' then
  redis.call('HDEL', run, 'order', 'owner', 'lease')
end
for _, field in ipairs(redis.call('HKEYS', run)) do
  if string.sub(field, 1, 4) == 'job:' then
    redis.call('HDEL', run, field)
  end
end
return 1
