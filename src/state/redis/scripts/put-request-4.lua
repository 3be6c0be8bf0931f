--[[
  Puts a request into the log, or what has become of it in the place of what it was. Doing it twice is as doing it once.

  KEYS[1]  string: the record
  KEYS[2]  hash of an id: key id -> moment of its latest request with this id
  KEYS[3]  sorted set, all scores 0: entries of all requests, `<position> <fields>`
  KEYS[4]  the same of this key's requests
  ARGV[1]  time to live, ms
  ARGV[2]  position: `<moment> <key id> <id>`, the moment its time in 9 digits of base 36 and its nonce
  ARGV[3]  fields of the entry
  ARGV[4]  the record
  ARGV[5]  key id
  ARGV[6]  moment, as in the position
  ARGV[7]  1: the request has ended, 0: it is pending

  Output: 1 when it was put, 0 when the request is known to have ended already
]]
local entry = ARGV[2] .. ' ' .. ARGV[3]
local first, last = '[' .. ARGV[2] .. ' ', '(' .. ARGV[2] .. ' \127'

if ARGV[7] == '0' then
  local known = redis.call('ZRANGEBYLEX', KEYS[3], first, last, 'LIMIT', 0, 1)[1]
  if known and known ~= entry then
    return 0
  end
end

redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[1])
for index = 3, 4 do
  redis.call('ZREMRANGEBYLEX', KEYS[index], first, last)
  redis.call('ZADD', KEYS[index], 0, entry)
end
local latest = redis.call('HGET', KEYS[2], ARGV[5])
if not latest or #latest ~= #ARGV[6] or latest < ARGV[6] then
  redis.call('HSET', KEYS[2], ARGV[5], ARGV[6])
end
for index = 2, 4 do
  redis.call('PEXPIRE', KEYS[index], ARGV[1])
end
return 1
