--[[
  Creates, changes or removes a key, unless it has been changed since it was read.

  KEYS[1]  hash of all keys: id → record, JSON; `#` → a word that is another one after each change. It has no time to
           live: keys end when they are removed
  ARGV[1]  the new word
  ARGV[2]  id
  ARGV[3]  record as it was read; empty: there was none
  ARGV[4]  record as it is to be; empty: none

  Output: 1 done, 0 there is another record
]]
local keys, id = KEYS[1], ARGV[2]
local present = redis.call('HGET', keys, id) or ''
if present == ARGV[4] then
  return 1
end
if present ~= ARGV[3] then
  return 0
end
redis.call('HSET', keys, '#', ARGV[1])
if ARGV[4] == '' then
  redis.call('HDEL', keys, id)
else
  redis.call('HSET', keys, id, ARGV[4])
end
return 1
