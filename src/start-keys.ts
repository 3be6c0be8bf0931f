import type { Logger } from 'pino'
import type { Catalog } from './catalog/catalog.ts'
import { type Config, ConfigError } from './config.ts'
import type { KeyLimits } from './domain/api-key.ts'
import { type ApiKey, keyIdOf, UNLIMITED } from './domain/api-key.ts'
import { systemClock } from './domain/clock.ts'
import type { KeyLimiter } from './domain/key-limiter.ts'
import type { KeyRegistry } from './domain/key-registry.ts'
import { usdFromMicroUsd } from './domain/money.ts'
import type { SpendLedger } from './domain/spending.ts'
import { createConfiguredRegistry } from './state/configured-keys.ts'
import { createKeyLimiter } from './state/key-limiter.ts'
import { SLOT_RENEWAL_MS } from './state/key-slots.ts'
import { createRedisConnection } from './state/redis/connect.ts'
import { KeyLink } from './state/redis/key-link.ts'
import { KEYS_PREFIX } from './state/redis/key-names.ts'
import { SpendLink } from './state/redis/spend-link.ts'
import { createRedisKeyRegistry, type SharedKeyRegistry } from './state/redis-key-registry.ts'
import { createSpendBook } from './state/spend-book.ts'
import type { WaitingSpend } from './state/spend-page.ts'
import type { SharingStatus } from './state/stats-sharing.ts'
import { createStatusTeller, type StatusTeller } from './state/status-teller.ts'
import type { Metrics } from './telemetry/create-metrics.ts'

/** How often gateways look what others have changed, and tell what they could not tell at once, in ms. */
const REFRESH_MS = 1_000
/** How long a start waits for the keys of Redis, in ms. */
const START_LIMIT_MS = 2_000
/** How often a start looks for a connection, in ms. */
const START_POLL_MS = 20
/** How long an end waits until Redis has heard the last of it, in ms. */
const CLOSE_LIMIT_MS = 500

/** What metrics call the limits. */
const LIMIT_REASONS = {
  requestsPerMinute: 'requests_per_minute',
  concurrent: 'concurrent',
} as const satisfies Record<keyof KeyLimits, string>

/** Keys, what they may do and what they have spent, kept up to date. */
export interface RunningKeys {
  readonly keys: KeyRegistry
  readonly limiter: KeyLimiter
  readonly ledger: SpendLedger
  /** Tells Redis the last of what was spent. */
  close(): Promise<void>
}

/** What is told of keys besides what they are. */
export interface KeyObservers {
  readonly logger: Logger
  readonly metrics: Metrics
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** The keys of the environment and of the configuration file. The admin key may be one of the list as well. */
export const configuredKeysOf = ({ keyHashes, adminKeyHash, fileKeys }: Config): ApiKey[] => {
  const adminHash = adminKeyHash?.toString('hex')
  const hashes = [...new Set(keyHashes.map((hash) => hash.toString('hex')))]
  const ofEnvironment = hashes.map(
    (hash): ApiKey => ({
      ...UNLIMITED,
      id: keyIdOf(hash),
      hash,
      isAdmin: hash === adminHash,
      source: 'environment',
    }),
  )
  return [...ofEnvironment, ...fileKeys]
}

/** A key whose models are misspelt could ask for nothing, or for less than was meant. Throws `ConfigError`. */
export const checkKeyModels = ({ fileKeys }: Config, { models }: Catalog): void => {
  const names = new Set(models.flatMap(({ card }) => [card.id, ...card.aliases]))
  const problems = fileKeys.flatMap((key, index) =>
    (key.models ?? [])
      .filter((name) => !names.has(name))
      .map((name) => `CONFIG_FILE: keys[${index}].models: there is no model "${name}"`),
  )
  if (problems.length > 0) throw new ConfigError(problems)
}

const startAlone = (config: Config, { metrics }: KeyObservers): RunningKeys => {
  const book = createSpendBook({ monotonicMs: systemClock.monotonicMs })
  const forgetting = setInterval(() => void book.tell(), REFRESH_MS).unref()
  showSharing(metrics, { areKeysShared: () => false, waiting: book.waiting.bind(book) })
  return {
    keys: createConfiguredRegistry(configuredKeysOf(config)),
    limiter: createKeyLimiter(undefined),
    ledger: book,
    close: async () => clearInterval(forgetting),
  }
}

interface KeySharing {
  areKeysShared(): boolean
  waiting(): WaitingSpend
}

/** Sets the gauges of keys whenever metrics are read. */
const showSharing = (metrics: Metrics, { areKeysShared, waiting }: KeySharing): void =>
  metrics.beforeRender(() => {
    const { requests, cost } = waiting()
    metrics.set('fresnel_keys_shared', {}, Number(areKeysShared()))
    metrics.set('fresnel_spend_waiting', {}, requests)
    metrics.set('fresnel_spend_waiting_usd', {}, usdFromMicroUsd(cost))
  })

/** The same, with every refusal counted. */
const countRefusals = (
  { limiter, ledger, ...running }: RunningKeys,
  { metrics }: KeyObservers,
): RunningKeys => {
  const count = metrics.counter('fresnel_key_refusals_total')
  return {
    ...running,
    limiter: {
      enter: async (...asked) => {
        const verdict = await limiter.enter(...asked)
        if (verdict.kind === 'refused') count({ reason: LIMIT_REASONS[verdict.limit] }, 1)
        return verdict
      },
    },
    ledger: {
      reserve: async (...asked) => {
        const verdict = await ledger.reserve(...asked)
        if (verdict.kind === 'refused') count({ reason: 'budget' }, 1)
        return verdict
      },
      settle: (...asked) => ledger.settle(...asked),
      available: (account) => ledger.available(account),
    },
  }
}

const createTeller = (logger: Logger): StatusTeller =>
  createStatusTeller(({ isShared, reason }: SharingStatus) => {
    if (isShared) logger.info('keys, their limits and budgets are shared through Redis')
    else logger.warn({ reason }, 'Redis cannot be used: keys and budgets go on as last known here')
  })

/** Reads the keys for the first time, for 2 s at most. */
const readFirst = async (keys: SharedKeyRegistry): Promise<void> => {
  const endMs = systemClock.monotonicMs() + START_LIMIT_MS
  await keys.refresh()
  while (!keys.isComplete() && systemClock.monotonicMs() < endMs) {
    await pause(START_POLL_MS)
    await keys.refresh()
  }
}

/** What an end loses, as Redis has not heard of it: with the process it is forgotten. */
const warnOfLoss = (logger: Logger, { requests, cost }: WaitingSpend): void => {
  if (requests === 0) return
  const lost = { requests, usd: usdFromMicroUsd(cost) }
  logger.warn(lost, 'what keys have spent could not be told to Redis before the end')
}

const startShared = async (
  config: Config,
  url: string,
  { logger, metrics }: KeyObservers,
): Promise<RunningKeys> => {
  const { now, monotonicMs } = systemClock
  const link = new KeyLink(createRedisConnection(url, { prefix: KEYS_PREFIX }), monotonicMs)
  const configured = configuredKeysOf(config)
  const keys = createRedisKeyRegistry({ link, configured, now })
  const book = createSpendBook({ link: new SpendLink(link), monotonicMs })
  const limiter = createKeyLimiter(link)
  const status = createTeller(logger)
  let isWorking = false
  const keepUp = async (): Promise<void> => {
    // Of a slow Redis no more is asked before it has answered.
    if (isWorking) return
    isWorking = true
    link.open()
    await keys.refresh()
    await book.tell()
    status.learn({ trouble: link.trouble() })
    isWorking = false
  }
  showSharing(metrics, {
    areKeysShared: () => keys.isComplete() && link.trouble() === undefined,
    waiting: book.waiting.bind(book),
  })
  link.open()
  await readFirst(keys)
  status.learn({ trouble: link.trouble() })
  const refreshing = setInterval(() => void keepUp(), REFRESH_MS).unref()
  const renewing = setInterval(() => void limiter.renew(), SLOT_RENEWAL_MS).unref()
  return {
    keys,
    limiter,
    ledger: book,
    close: async () => {
      clearInterval(refreshing)
      clearInterval(renewing)
      // It may be back since the last look.
      await Promise.race([keys.refresh().then(() => book.tell()), pause(CLOSE_LIMIT_MS)])
      warnOfLoss(logger, book.waiting())
      await link.close()
    },
  }
}

/** Keys of the configuration, and of Redis where gateways share one. */
export const startKeys = async (config: Config, observers: KeyObservers): Promise<RunningKeys> =>
  countRefusals(
    config.redisUrl === undefined
      ? startAlone(config, observers)
      : await startShared(config, config.redisUrl, observers),
    observers,
  )
