--[[
  Takes a request out of the log.

  KEYS[1]  string: the record
  KEYS[2]  hash of an id: key id -> moment of its latest request with this id
  KEYS[3]  sorted set, all scores 0: entries of all requests
  KEYS[4]  the same of this key's requests
  ARGV[1]  entry
  ARGV[2]  key id
  ARGV[3]  moment of the request, as in its position

  Output: 1 when it was there, else 0
]]
redis.call('DEL', KEYS[1])
if redis.call('HGET', KEYS[2], ARGV[2]) == ARGV[3] then
  redis.call('HDEL', KEYS[2], ARGV[2])
end
redis.call('ZREM', KEYS[4], ARGV[1])
return redis.call('ZREM', KEYS[3], ARGV[1])
