--[[
  Books what a request cost in the place of what was set aside for it, once for each request: who says it again changes
  nothing. All amounts are millionths of a USD.

  KEYS     as reserve-spend-3.lua
  ARGV[1]  request
  ARGV[2]  cost
  ARGV[3]  how long it is known that the request was booked, ms
  ARGV[4]  what the sender knows to have been spent: it cannot have become less, Redis has lost it
  ARGV[5]  time to live of the account, ms; 0: none

  Output: what is spent; what is held
]]
local account, held_set, done_set = KEYS[1], KEYS[2], KEYS[3]
local request, cost = ARGV[1], tonumber(ARGV[2])
local kept, life = tonumber(ARGV[3]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function whole(text)
  local number = tonumber(text or '')
  if number and number >= 0 and number == math.floor(number) and number < 2 ^ 53 then
    return number
  end
  return 0
end

local known = redis.call('HMGET', account, 'spent', 'held', 'r:' .. request)
local spent, held = math.max(whole(known[1]), tonumber(ARGV[4])), whole(known[2])
-- The time of what is to be forgotten has passed for who comes later.
redis.call('ZREMRANGEBYSCORE', done_set, '-inf', string.format('%.0f', now))
if redis.call('ZADD', done_set, 'NX', string.format('%.0f', now + kept), request) == 1 then
  spent = spent + cost
  held = math.max(0, held - whole(known[3]))
  redis.call('HDEL', account, 'r:' .. request)
  redis.call('ZREM', held_set, request)
end
if redis.call('ZCARD', held_set) == 0 then
  held = 0
end
redis.call('PEXPIRE', done_set, kept)
redis.call('HSET', account, 'spent', string.format('%.0f', spent), 'held', string.format('%.0f', held))
if life > 0 then
  redis.call('PEXPIRE', account, life)
end
return { string.format('%.0f', spent), string.format('%.0f', held) }
