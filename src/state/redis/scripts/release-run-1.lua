--[[
  Forgets a run, if it still belongs to who asks.

  KEYS[1]  hash of the run; see claim-run-1.lua
  ARGV[1]  token of the claim

  Output: 1 forgotten, 0 it was not the asker's
]]
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then
  return 0
end
return redis.call('DEL', KEYS[1])
