--[[
  Writes the keys again that a gateway knows of a Redis that has lost all of them. While it knows any it is not changed.

  KEYS[1]  hash of all keys; see change-key-1.lua
  ARGV[1]  the new word
  ARGV[2…] pairs of id and record, JSON

  Output: 1 done, 0 Redis has keys of its own
]]
if redis.call('HEXISTS', KEYS[1], '#') == 1 then
  return 0
end
redis.call('HSET', KEYS[1], '#', ARGV[1])
for i = 2, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
end
return 1
