--[[
  Says how a run stands. Changes nothing.

  KEYS[1]  hash of the run; see claim-run-1.lua

  Output: `done` and the answer, or `running`, or `gone`: nobody works on it
]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local LONGEST = 600000

local known = redis.call('HMGET', KEYS[1], 'answer', 'owner', 'lease')
if known[1] then
  return { 'done', known[1] }
end
local lease = tonumber(known[3] or '') or 0
local is_alive = known[2] and now < lease and lease <= now + LONGEST
return { is_alive and 'running' or 'gone' }
