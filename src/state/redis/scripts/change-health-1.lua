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
  ARGV[6]  latest time that a record can be of
  ARGV[7]  longest time that a circuit is open or a pause lasts, ms
  All times are routing's ms by Redis' clock. A record that cannot be read, or cannot be true, is as if it were absent.

  Output: number of parts that were news
]]
local hash, place = KEYS[1], ARGV[2]
local news = 0

local function put(field, text)
  redis.call('HSET', hash, field, text)
  redis.call('PEXPIRE', hash, ARGV[1])
  news = news + 1
end

-- The n-th word of a record as a number; of what is none: less than any.
local function number_of(text, n)
  local word = string.match(text or '', '^' .. string.rep('%S+ ', n - 1) .. '(%d+)')
  return word and tonumber(word) or -1
end

-- What is known of the place. `since` and `till`: which words those times are; `till` is absent for an end of pauses.
local function present(part, since, till)
  local text = redis.call('HGET', hash, place .. '|' .. part)
  local since_ms = number_of(text, since)
  if not text or since_ms < 0 or since_ms > tonumber(ARGV[6]) then
    return ''
  end
  if till and number_of(text, till) > since_ms + tonumber(ARGV[7]) then
    return ''
  end
  return text
end

if ARGV[3] ~= '' and number_of(ARGV[3], 1) > number_of(present('c', 1, 3), 1) then
  put(place .. '|c', ARGV[3])
end

if ARGV[4] ~= '' and number_of(ARGV[4], 1) > number_of(present('r', 1), 1) then
  put(place .. '|r', ARGV[4])
end

local resumed = number_of(present('r', 1), 1)
local pause = present('p', 3, 1)
if pause ~= '' and number_of(pause, 3) <= resumed then
  redis.call('HDEL', hash, place .. '|p')
  pause = ''
  news = news + 1
end

if ARGV[5] ~= '' and number_of(ARGV[5], 3) > resumed and number_of(ARGV[5], 1) > number_of(pause, 1) then
  put(place .. '|p', ARGV[5])
end

return news
