--[[
  Sets money aside for a request if as much is left, once for each request. All amounts are millionths of a USD.

  Reservations run out by TIME, the clock of the Redis that keeps them: a sender whose clock is wrong could else free
  what others have set aside.

  KEYS[1]  hash of the account: `spent`, `held` (sum of the reservations), `r:<request>` (one reservation)
  KEYS[2]  sorted set of requests with a reservation, by its end in ms
  KEYS[3]  sorted set of requests that were booked, by when that is forgotten, in ms
  ARGV[1]  request; empty: nothing is set aside, only told
  ARGV[2]  amount
  ARGV[3]  limit; empty: it is set aside whatever is left, as it was granted before
  ARGV[4]  how long the reservation holds, ms
  ARGV[5]  what the sender knows to have been spent: it cannot have become less, Redis has lost it
  ARGV[6]  time to live of the account, ms; 0: none

  Output: 1 set aside, 2 known from before or 0 not; what is spent; what was held before; what is held now
]]
local account, held_set, done_set = KEYS[1], KEYS[2], KEYS[3]
local request, amount, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local lifetime, life = tonumber(ARGV[4]), tonumber(ARGV[6])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function whole(text)
  local number = tonumber(text or '')
  if number and number >= 0 and number == math.floor(number) and number < 2 ^ 53 then
    return number
  end
  return 0
end

local known = redis.call('HMGET', account, 'spent', 'held')
local spent, held = math.max(whole(known[1]), tonumber(ARGV[5])), whole(known[2])
for _, id in ipairs(redis.call('ZRANGEBYSCORE', held_set, '-inf', string.format('%.0f', now))) do
  held = held - whole(redis.call('HGET', account, 'r:' .. id))
  redis.call('HDEL', account, 'r:' .. id)
  redis.call('ZREM', held_set, id)
end
if held < 0 or redis.call('ZCARD', held_set) == 0 then
  held = 0
end

local is_new = request ~= '' and redis.call('HEXISTS', account, 'r:' .. request) == 0
  and not redis.call('ZSCORE', done_set, request)
local is_known = request ~= '' and not is_new
local granted = is_new and (not limit or spent + held + amount <= limit)
local after = held
if granted then
  after = held + amount
  redis.call('HSET', account, 'r:' .. request, string.format('%.0f', amount))
  redis.call('ZADD', held_set, string.format('%.0f', now + lifetime), request)
end
redis.call('HSET', account, 'spent', string.format('%.0f', spent), 'held', string.format('%.0f', after))
if life > 0 then
  redis.call('PEXPIRE', account, life)
  redis.call('PEXPIRE', held_set, life)
end
return { granted and 1 or is_known and 2 or 0, string.format('%.0f', spent), string.format('%.0f', held), string.format('%.0f', after) }
