--[[
  Tells which runs to look at, and puts off when the next one looks at them: no two look at the same.

  KEYS[1]  sorted set: ids of runs by when to look, ms by this Redis' clock
  ARGV[1]  most runs
  ARGV[2]  until the next one looks, ms

  Output: ids of runs
]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now), 'LIMIT', 0, ARGV[1])
for _, run_id in ipairs(due) do
  redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), run_id)
end
return due
