--[[
  Adds counts to one hash, and makes it live for a while longer.

  With a receipt, counts are added once however often they are sent: the field `<receipt>` holds the number of the last
  sending that was added, and the field `#` names the sending that the hash began with, so that a hash that was lost and
  begun anew is told apart. Fields of counts never begin with `#`.

  KEYS[1]  hash of counts: a bucket of 10 s, or a day of the history
  ARGV[1]  time to live of the hash, real ms
  ARGV[2]  receipt: `#` and the gateway's id; empty: none is kept
  ARGV[3]  number of this sending, rising with each of this gateway
  ARGV[4…] pairs of field and integer to add

  Output: 1 added, 0 had been added before
]]
local hash, receipt, sending = KEYS[1], ARGV[2], ARGV[3]
if receipt ~= '' then
  local last = redis.call('HGET', hash, receipt)
  if last and tonumber(last) >= tonumber(sending) then
    return 0
  end
  redis.call('HSETNX', hash, '#', receipt .. ':' .. sending)
  redis.call('HSET', hash, receipt, sending)
  redis.call('PEXPIRE', hash, ARGV[1])
end
for i = 4, #ARGV, 2 do
  redis.call('HINCRBY', hash, ARGV[i], ARGV[i + 1])
  if i == 4 then
    redis.call('PEXPIRE', hash, ARGV[1])
  end
end
return 1
