import { randomUUID } from 'node:crypto'
import type { Clock } from '#src/domain/clock.ts'
import type { HealthChange, StatsReceiver } from '#src/domain/provider-stats.ts'
import { createRoutingClock } from '#src/domain/routing-clock.ts'
import { createMemoryHistory } from './memory/memory-performance-history.ts'
import { BucketLedger } from './redis/bucket-ledger.ts'
import { COMMAND_TIMEOUT_MS, createRedisConnection } from './redis/connect.ts'
import { HealthLedger } from './redis/health-fields.ts'
import { Inbox } from './redis/inbox.ts'
import { Outbox } from './redis/outbox.ts'
import { RedisClock } from './redis/redis-clock.ts'
import { createRedisHistory } from './redis/redis-history.ts'
import { keyLifetimes } from './redis/redis-keys.ts'
import { RedisSync } from './redis/redis-sync.ts'
import { NOBODY, type SharingStatus, type StatsSharing, syncIntervalMs } from './stats-sharing.ts'
import { createStatusTeller, type StatusTeller } from './status-teller.ts'

export interface RedisExchangeOptions {
  /** As `REDIS_URL`; see `redisUrlProblem`. */
  readonly url: string
  readonly clock: Clock
  /** Routing's milliseconds per real one. */
  readonly timeScale: number
  /** Offerings whose past is read at the start. */
  readonly configKeys: readonly string[]
  /** Told at the start and once per change, whether what is learnt is shared. */
  readonly onStatus: (status: SharingStatus) => void
  /** Told why the history cannot be read whole; once until it can be again. */
  readonly onHistoryTrouble?: (reason: string) => void
  /** Uniform in [0, 1). Absent: `Math.random`. */
  readonly random?: () => number
}

/** How gateways share through Redis. */
export interface RedisSharing extends StatsSharing {
  /** One exchange now. `start` has it called once a second; while one is under way, it is that one. */
  sync(): Promise<void>
}

/** A start takes in what is known already for no longer than this, in real milliseconds. */
const START_LIMIT_MS = 2_000
/** How often a start looks whether the connection is there, in real milliseconds. */
const START_POLL_MS = 10

/** A gateway that was not heard of for so long is gone: routing's milliseconds, and at least real ones. */
const ALIVE_MS = 10_000
const LEAST_ALIVE_MS = 1_000

const createParts = ({
  url,
  clock,
  timeScale,
  configKeys,
  onHistoryTrouble,
  random,
}: RedisExchangeOptions) => {
  const gateway = randomUUID()
  const receipt = `#${gateway}`
  const { nowMs } = createRoutingClock(clock, timeScale)
  const connection = createRedisConnection(url, { timeScale, random })
  const lifetimes = keyLifetimes(timeScale)
  const ledger = new BucketLedger(receipt, syncIntervalMs(timeScale) * timeScale)
  const health = new HealthLedger(gateway, timeScale)
  const outbox = new Outbox({ receipt, ledger, health, lifetimes })
  const inbox = new Inbox({ ledger, health, configKeys, startedMs: nowMs() })
  const redisClock = new RedisClock(timeScale)
  const sync = new RedisSync({
    connection,
    outbox,
    inbox,
    clock: redisClock,
    lifetimes,
    gateway,
    aliveMs: Math.max(ALIVE_MS, LEAST_ALIVE_MS * timeScale),
    nowMs,
    realMs: clock.monotonicMs,
  })
  const own = createMemoryHistory()
  const redisNowMs = () => nowMs() + (redisClock.aheadMs ?? 0)
  const history = createRedisHistory({
    connection,
    nowMs: redisNowMs,
    own,
    refused: {
      of: (configKey) => outbox.refusedHours(configKey, redisClock.aheadMs ?? 0),
      recoveredMs: () => outbox.recoveredMs + (redisClock.aheadMs ?? 0),
    },
    onTrouble: onHistoryTrouble,
  })
  return { connection, outbox, inbox, sync, own, history }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * Whether news of health should not wait for the next exchange: what a breaker does, and a pause of what was not paused. In
 * a storm of rate limits each answer makes the pause a little longer, which is none. Bounded by the number of keys.
 */
const createUrgency = (): ((change: HealthChange) => boolean) => {
  const pausedUntilMs = new Map<string, number>()
  return (change) => {
    if ('circuit' in change) return true
    if (!('pause' in change)) return false
    const { key, pause } = change
    const isFirst = pause.sinceMs >= (pausedUntilMs.get(key) ?? 0)
    pausedUntilMs.set(key, pause.untilMs)
    return isFirst
  }
}

/** News of health waits for a tenth of the interval at most. */
const HURRY = 10

/** Makes exchanges: one at a time, in the background. */
class SyncLoop {
  readonly #sync: RedisSync
  readonly #status: StatusTeller
  readonly #intervalMs: number
  #receiver: StatsReceiver = NOBODY
  #underWay: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #early: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(sync: RedisSync, status: StatusTeller, intervalMs: number) {
    this.#sync = sync
    this.#status = status
    this.#intervalMs = intervalMs
  }

  attach(receiver: StatsReceiver): void {
    this.#receiver = receiver
  }

  once(): Promise<void> {
    this.#underWay ??= this.#run().finally(() => {
      this.#underWay = undefined
    })
    return this.#underWay
  }

  async #run(): Promise<void> {
    try {
      this.#status.learn(await this.#sync.run(this.#receiver))
    } catch (error) {
      this.#status.failed(error)
    }
  }

  /** An exchange before the next is due, for what the others should know at once. Those that hurry go together. */
  hurry(): void {
    const isRunning = this.#timer !== undefined && !this.#isClosed
    if (!isRunning || this.#early) return
    this.#early = setTimeout(async () => {
      await this.#underWay
      this.#early = undefined
      if (!this.#isClosed) this.once()
    }, this.#intervalMs / HURRY).unref()
  }

  begin(): void {
    if (this.#isClosed) return
    this.#timer = setTimeout(() => {
      this.once().then(() => this.begin())
    }, this.#intervalMs).unref()
  }

  /** Ends after the exchange under way, if that is soon over. */
  async end(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    clearTimeout(this.#early)
    await Promise.race([this.#underWay, pause(COMMAND_TIMEOUT_MS)])
  }
}

/**
 * Shares through Redis. Requests only write to memory; the background exchanges with Redis. Whatever happens to Redis,
 * nobody waits for it and nothing throws, except here for a URL that cannot be read.
 */
export const createRedisExchange = (options: RedisExchangeOptions): RedisSharing => {
  const { connection, outbox, inbox, sync, own, history } = createParts(options)
  const status = createStatusTeller(options.onStatus)
  const loop = new SyncLoop(sync, status, syncIntervalMs(options.timeScale))
  const isUrgent = createUrgency()

  const catchUp = async (): Promise<void> => {
    const endMs = performance.now() + START_LIMIT_MS
    connection.open()
    while (!inbox.isCaughtUp && performance.now() < endMs) {
      if (connection.isReady()) await loop.once()
      // Refused at once: it will not be there in two seconds either.
      else if (connection.trouble()) return loop.once()
      else await pause(START_POLL_MS)
    }
  }

  return {
    exchange: {
      share: (observation) => {
        own.record(observation)
        outbox.share(observation)
      },
      shareHealth: (change) => {
        outbox.shareHealth(change)
        if (isUrgent(change)) loop.hurry()
      },
    },
    history,
    attach: (receiver) => loop.attach(receiver),
    follow: (configKeys) => {
      inbox.follow(configKeys)
      history.warm(configKeys)
    },
    sync: () => loop.once(),
    start: async () => {
      await catchUp()
      status.started()
      loop.begin()
      history.warm(options.configKeys)
    },
    close: async () => {
      history.close()
      await loop.end()
      await Promise.race([sync.leave(), pause(COMMAND_TIMEOUT_MS)])
      await connection.close()
    },
  }
}
