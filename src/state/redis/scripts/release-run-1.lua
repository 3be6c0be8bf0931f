--[[
  Gives a run up, if it still belongs to who asks: it is forgotten, or its jobs are kept for whoever claims it next.

  KEYS[1]  hash of the run; see claim-run-1.lua
  ARGV[1]  token of the claim
  ARGV[2]  how long its jobs are kept, ms; 0: it has none

  Output: 1 given up, 0 it was not the asker's
]]
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then
  return 0
end
if ARGV[2] == '0' then
  return redis.call('DEL', KEYS[1])
end
redis.call('HDEL', KEYS[1], 'owner', 'lease', 'order')
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
