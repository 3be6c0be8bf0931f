import { readFileSync } from 'node:fs'
import type { Result } from 'ioredis'

/** A script's arguments: its keys, then the rest. What each means stands in the script's header. */
type Arguments = readonly (string | number)[]

declare module 'ioredis' {
  interface RedisCommander<Context> {
    addCounts(key: string, ...rest: Arguments): Result<number, Context>
    heartbeat(key: string, ...rest: Arguments): Result<number, Context>
    changeHealth(key: string, ...rest: Arguments): Result<number, Context>
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
}
