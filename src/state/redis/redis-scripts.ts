import { readFileSync } from 'node:fs'
import type { Result } from 'ioredis'

/** A script's arguments: its keys, then the rest. What each means stands in the script's header. */
type Arguments = readonly (string | number)[]

declare module 'ioredis' {
  interface RedisCommander<Context> {
    addCounts(key: string, ...rest: Arguments): Result<number, Context>
    heartbeat(key: string, ...rest: Arguments): Result<number, Context>
    changeHealth(key: string, ...rest: Arguments): Result<number, Context>
    claimRun(key: string, ...rest: Arguments): Result<unknown, Context>
    finishRun(key: string, ...rest: Arguments): Result<number, Context>
    releaseRun(key: string, ...rest: Arguments): Result<number, Context>
    readRun(key: string): Result<unknown, Context>
    adoptRun(key: string, ...rest: Arguments): Result<unknown, Context>
    watchRuns(key: string, ...rest: Arguments): Result<number, Context>
    dueRuns(key: string, ...rest: Arguments): Result<unknown, Context>
    putRequest(key: string, ...rest: readonly (string | number | Buffer)[]): Result<number, Context>
    dropRequest(key: string, ...rest: Arguments): Result<number, Context>
    changeKey(key: string, ...rest: Arguments): Result<number, Context>
    restoreKeys(key: string, ...rest: Arguments): Result<number, Context>
    reserveSpend(key: string, ...rest: Arguments): Result<unknown, Context>
    settleSpend(key: string, ...rest: Arguments): Result<unknown, Context>
    enterSlot(key: string, ...rest: Arguments): Result<number, Context>
  }
}

/** A script from its file, whose name ends with the number of its keys. */
const load = (file: string) => ({
  lua: readFileSync(new URL(`./scripts/${file}`, import.meta.url), 'utf8'),
  numberOfKeys: Number(/-(\d+)\.lua$/.exec(file)?.[1]),
})

/** Read once, at the start: a missing file is found then. */
export const REDIS_SCRIPTS = {
  addCounts: load('add-counts-1.lua'),
  heartbeat: load('heartbeat-1.lua'),
  changeHealth: load('change-health-1.lua'),
  claimRun: load('claim-run-1.lua'),
  finishRun: load('finish-run-1.lua'),
  releaseRun: load('release-run-1.lua'),
  readRun: load('read-run-1.lua'),
  adoptRun: load('adopt-run-1.lua'),
  watchRuns: load('watch-runs-1.lua'),
  dueRuns: load('due-runs-1.lua'),
  putRequest: load('put-request-4.lua'),
  dropRequest: load('drop-request-4.lua'),
  changeKey: load('change-key-1.lua'),
  restoreKeys: load('restore-keys-1.lua'),
  reserveSpend: load('reserve-spend-3.lua'),
  settleSpend: load('settle-spend-3.lua'),
  enterSlot: load('enter-slot-1.lua'),
}
