--[[
  Merges what one gateway learnt of one model at one provider into what all know. Merging twice, or in another order,
  gives the same: of two circuits the later `since` holds, of two pauses the later end, and an end of pauses removes
  those learnt before it.

  KEYS[1]  hash of health; fields `<place>|c` circuit: `<since> <state> <until> <openings> <gateway>`,
           `<place>|p` pause: `<until> <reason> <since> <gateway>`, `<place>|r` end of pauses learnt at or before: `<time>`
  ARGV[1]  time to live of the hash, real ms
  ARGV[2]  place: `<model>:<provider>`, or `*:<provider>`
  ARGV[3]  circuit as above, or empty: no news of it
  ARGV[4]  end of pauses as above, or empty
  ARGV[5]  pause as above, or empty
  All times are routing's ms by Redis' clock.

  Output: number of parts that were news
]]
local hash, place = KEYS[1], ARGV[2]
local news = 0

local function put(field, text)
  redis.call('HSET', hash, field, text)
  redis.call('PEXPIRE', hash, ARGV[1])
  news = news + 1
end

-- The number that a record begins with; of none: less than any.
local function first_of(text)
  return text and tonumber(string.match(text, '^%S+')) or -1
end

local function present(part)
  return redis.call('HGET', hash, place .. '|' .. part)
end

if ARGV[3] ~= '' and first_of(ARGV[3]) > first_of(present('c')) then
  put(place .. '|c', ARGV[3])
end

if ARGV[4] ~= '' and first_of(ARGV[4]) > first_of(present('r')) then
  put(place .. '|r', ARGV[4])
end

local function since_of(pause)
  return tonumber(string.match(pause, '^%S+ %S+ (%S+)'))
end

local resumed = first_of(present('r'))
local pause = present('p')
if pause and since_of(pause) <= resumed then
  redis.call('HDEL', hash, place .. '|p')
  pause = false
  news = news + 1
end

if ARGV[5] ~= '' and since_of(ARGV[5]) > resumed and first_of(ARGV[5]) > first_of(pause) then
  put(place .. '|p', ARGV[5])
end

return news
