--[[
  Says that a gateway lives, and counts those that do.

  KEYS[1]  sorted set: ids of gateways by the time of their last sign of life, routing's ms
  ARGV[1]  id of this gateway
  ARGV[2]  now, routing's ms by Redis' clock
  ARGV[3]  who gave no sign of life since then is gone, routing's ms
  ARGV[4]  a sign of life from after then is none, routing's ms
  ARGV[5]  time to live of the set, real ms

  Output: number of gateways that live, this one included
]]
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. ARGV[4], '+inf')
return redis.call('ZCARD', KEYS[1])
