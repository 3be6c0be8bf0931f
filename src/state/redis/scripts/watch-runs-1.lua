--[[
  Has runs looked at once their lease has run out. When that is stands in the run itself: this is only where to look.

  KEYS[1]  sorted set: ids of runs by when to look, ms by this Redis' clock
  ARGV[1]  length of a lease, ms
  ARGV[2]  time to live of the set, ms
  ARGV[3…] ids of runs

  Output: 1
]]
local time = redis.call('TIME')
local look = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1])
for i = 3, #ARGV do
  redis.call('ZADD', KEYS[1], look, ARGV[i])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
