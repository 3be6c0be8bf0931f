import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

/** What `npm run bench` was asked for. */
export interface BenchOptions {
  /** Names of the benchmarks; empty: all. */
  readonly names: readonly string[]
  /** Folder of the gateway that is measured. */
  readonly gatewayFolder: string
  /** Folder that profiles of the gateway go to; absent: none is taken, as taking it costs. */
  readonly profileFolder?: string
  /** Rounds of each comparison. */
  readonly rounds: number
  /** Milliseconds that are waited, in all, for a moment in which the machine does nothing else. */
  readonly patienceMs: number
}

const OWN_FOLDER = new URL('../..', import.meta.url).pathname

/** Fewer have no median worth the name. */
const DEFAULT_ROUNDS = 5

/** A machine that is busy for longer is not to be waited for. */
const DEFAULT_PATIENCE_MS = 120_000

/** A test that measures has arguments of its own. */
const isBenchmark = process.argv[1]?.endsWith('/bench/run.ts') === true

const parsed = parseArgs({
  args: isBenchmark ? process.argv.slice(2) : [],
  allowPositionals: true,
  options: {
    gateway: { type: 'string' },
    profile: { type: 'string' },
    rounds: { type: 'string' },
    patience: { type: 'string' },
  },
})

const { gateway, profile, rounds, patience } = parsed.values

/** Of the command line. Benchmarks of one process share it, so it is no argument of theirs. */
export const benchOptions: BenchOptions = {
  names: parsed.positionals,
  gatewayFolder: resolve(gateway ?? OWN_FOLDER),
  rounds: rounds === undefined ? DEFAULT_ROUNDS : Number(rounds),
  patienceMs: patience === undefined ? DEFAULT_PATIENCE_MS : Number(patience) * 1_000,
  ...(profile !== undefined && { profileFolder: resolve(profile) }),
}
