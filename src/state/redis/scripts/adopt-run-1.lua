--[[
  Takes on a run with an order whose owner has died.

  KEYS[1]  hash of the run; see claim-run-1.lua
  ARGV[1]  token of who takes it on
  ARGV[2]  length of a lease, ms

  Output: `gone`: nothing is left to be done, or `running`: its owner lives, or `mine`, fingerprint, request id, order,
          answer (empty: it has not ended), time to live of the hash in ms, and the jobs
]]
local run = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local LONGEST = 600000

local known = redis.call('HMGET', run, 'fingerprint', 'requestId', 'order', 'answer', 'lease')
local fingerprint, request_id, order, answer = known[1], known[2], known[3], known[4]
if not (fingerprint and request_id and order) then
  return { 'gone' }
end
local lease = tonumber(known[5] or '') or 0
if now < lease and lease <= now + LONGEST then
  return { 'running' }
end

redis.call('HSET', run, 'owner', ARGV[1], 'lease', string.format('%.0f', now + ARGV[2]))
local result = { 'mine', fingerprint, request_id, order, answer or '', redis.call('PTTL', run) }
local fields = redis.call('HGETALL', run)
for i = 1, #fields, 2 do
  if string.sub(fields[i], 1, 4) == 'job:' then
    result[#result + 1] = fields[i + 1]
  end
end
return result
