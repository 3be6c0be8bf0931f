--[[
  Counts a request in if fewer of its key are under way than may be. Requests whose process gives no sign of life are
  not counted any more when their lease has run out, by TIME: the clock of the Redis that keeps them.

  KEYS[1]  sorted set of a key's requests under way, by the end of their lease in ms
  ARGV[1]  request; one that is in already renews its lease
  ARGV[2]  how many there may be; 0: it is counted in whatever there are
  ARGV[3]  length of a lease, ms

  Output: 1 counted in, 0 not
]]
local slots, request, most, lease = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', slots, '-inf', string.format('%.0f', now))
local is_in = redis.call('ZSCORE', slots, request)
if not is_in and most > 0 and redis.call('ZCARD', slots) >= most then
  return 0
end
redis.call('ZADD', slots, string.format('%.0f', now + lease), request)
redis.call('PEXPIRE', slots, lease)
return 1
