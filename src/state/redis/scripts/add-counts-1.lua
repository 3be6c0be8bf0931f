--[[
  Adds counts to one hash, and makes it live for a while longer.

  With a receipt, counts are added once however often they are sent: the field `<receipt>` holds the numbers of all
  sendings that were added, and the field `#` names the sending that the hash began with, so that a hash that was lost
  and begun anew is told apart. Fields of counts never begin with `#`.

  A script that fails half-way keeps what it did. So whatever can fail does before the first write, and a field that
  holds no sum begins anew instead of failing.

  KEYS[1]  hash of counts: a bucket of 10 s, or a day of the history
  ARGV[1]  time to live of the hash, real ms
  ARGV[2]  receipt: `#` and the gateway's id; empty: none is kept
  ARGV[3]  number of this sending, another for each of this gateway
  ARGV[4…] pairs of field and integer to add

  Output: 1 added, 0 had been added before
]]
local hash, receipt, sending = KEYS[1], ARGV[2], ARGV[3]

-- Numbers above are not exact to those who read them.
local MOST = 9007199254740991

if receipt ~= '' then
  local added = redis.call('HGET', hash, receipt)
  if added and string.find(' ' .. added .. ' ', ' ' .. sending .. ' ', 1, true) then
    return 0
  end
  redis.call('HSETNX', hash, '#', receipt .. ':' .. sending)
  redis.call('HSET', hash, receipt, added and added .. ' ' .. sending or sending)
  redis.call('PEXPIRE', hash, ARGV[1])
end

for i = 4, #ARGV, 2 do
  local field, by = ARGV[i], ARGV[i + 1]
  local sum = redis.pcall('HINCRBY', hash, field, by)
  if type(sum) == 'table' then
    -- Anything but a bad number fails the first time already: nothing was written.
    if not (string.find(sum.err, 'not an integer', 1, true) or string.find(sum.err, 'overflow', 1, true)) then
      return sum
    end
    redis.call('HSET', hash, field, by)
  elseif sum < tonumber(by) or sum > MOST then
    redis.call('HSET', hash, field, by)
  end
  if i == 4 and receipt == '' then
    redis.call('PEXPIRE', hash, ARGV[1])
  end
end
return 1
