import { createRequire } from 'node:module'
import { setTimeout as pause } from 'node:timers/promises'
import type { Cluster, ClusterOptions, Redis, RedisOptions } from 'ioredis'
import { keyPrefix } from './redis-keys.ts'
import { REDIS_SCRIPTS } from './redis-scripts.ts'
import { parseRedisUrl, type RedisTarget } from './redis-url.ts'
import { databaseTroubleOf, type Trouble, troubleOf } from './trouble.ts'

export type RedisClient = Redis | Cluster

const load = createRequire(import.meta.url)

/** Loaded by the first connection: a start without Redis does not wait 50 ms for it. */
const ioredis = (): typeof import('ioredis') => load('ioredis')

/** A connection that keeps itself alive. All durations are real milliseconds. */
export interface RedisConnection {
  readonly client: RedisClient
  /** Whether commands can be sent now. */
  isReady(): boolean
  /** Why it is not ready; `undefined`: nothing went wrong since it last was. */
  trouble(): Trouble | undefined
  /** Begins to connect, also when the client has given up; never throws. After `close` it does nothing. */
  open(): void
  /**
   * Whether Redis has stopped answering, as this connection or another of this process to the same Redis has found out:
   * nobody who can do without it waits for it then.
   */
  isSilent(): boolean
  /** To be told when no answer came in time. Redis is asked until it answers, or the connection is given up. */
  fellSilent(): void
  /** Drops the connection and makes a new one: there may be a new master. Not more often than every 10 s. */
  renew(nowMs: number): void
  close(): Promise<void>
}

/** No command is waited for longer than this. */
export const COMMAND_TIMEOUT_MS = 200
/** A server that is silent for so long, while something is asked of it, is taken for dead. */
const SOCKET_TIMEOUT_MS = 1_000
const CONNECT_TIMEOUT_MS = 1_000
const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 2_000
const RENEWAL_INTERVAL_MS = 10_000
/** Between two questions to a Redis that is silent. */
const SILENCE_PAUSE_MS = 20
/** How often a cluster is asked which node holds what: a batch that went to the wrong node does not make ioredis ask. */
const SLOTS_REFRESH_INTERVAL_MS = 5_000

/** Doubling, with jitter so that not all gateways come back at once. */
const retryDelay =
  (random: () => number) =>
  (times: number): number => {
    const delayMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(times, 10))
    return delayMs * (0.5 + 0.5 * random())
  }

/** Nothing is sent twice, nothing waits for a connection, nobody waits long. */
const baseOptions = (target: RedisTarget) =>
  ({
    ...(target.username && { username: target.username }),
    ...(target.password && { password: target.password }),
    ...(target.isEncrypted && { tls: {} }),
    family: target.family,
    commandTimeout: COMMAND_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: COMMAND_TIMEOUT_MS,
    maxLoadingRetryTime: CONNECT_TIMEOUT_MS,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectionName: 'fresnel',
  }) satisfies RedisOptions

/** What the ways to connect do not differ in. */
interface Common {
  readonly keyPrefix: string
  readonly retryStrategy: (times: number) => number
}

const singleOptions = (target: RedisTarget, { keyPrefix, retryStrategy }: Common) =>
  ({
    ...baseOptions(target),
    keyPrefix,
    db: target.db,
    retryStrategy,
    enableOfflineQueue: false,
    lazyConnect: true,
    scripts: REDIS_SCRIPTS,
  }) satisfies RedisOptions

const sentinelOptions = (
  { nodes, masterName, sentinelUsername, sentinelPassword, isEncrypted }: RedisTarget,
  retryStrategy: (times: number) => number,
) =>
  ({
    sentinels: [...nodes],
    name: masterName ?? '',
    sentinelRetryStrategy: retryStrategy,
    sentinelCommandTimeout: COMMAND_TIMEOUT_MS,
    ...(sentinelUsername && { sentinelUsername }),
    ...(sentinelPassword && { sentinelPassword }),
    ...(isEncrypted && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
  }) satisfies RedisOptions

const clusterOptions = (target: RedisTarget, { keyPrefix, retryStrategy }: Common) =>
  ({
    keyPrefix,
    redisOptions: baseOptions(target),
    clusterRetryStrategy: retryStrategy,
    enableOfflineQueue: false,
    lazyConnect: true,
    scripts: REDIS_SCRIPTS,
    slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
    slotsRefreshInterval: SLOTS_REFRESH_INTERVAL_MS,
    // 0: ioredis would send again what may have been done already.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    // A certificate names a host, not its address.
    ...(target.isEncrypted && {
      dnsLookup: (
        host: string,
        done: (error: NodeJS.ErrnoException | null, address: string) => void,
      ): void => done(null, host),
    }),
  }) satisfies ClusterOptions

const createClient = (target: RedisTarget, common: Common): RedisClient => {
  if (target.kind === 'cluster') {
    return new (ioredis().Cluster)([...target.nodes], clusterOptions(target, common))
  }
  const options = singleOptions(target, common)
  if (target.kind === 'sentinel') {
    return new (ioredis().Redis)({ ...options, ...sentinelOptions(target, common.retryStrategy) })
  }
  const [node = { host: 'localhost', port: 6379 }] = target.nodes
  return new (ioredis().Redis)({ ...options, ...node })
}

const connect = (client: RedisClient): void => {
  // Why it failed is told as an event.
  client.connect().catch(() => undefined)
}

/** Ends a client, politely if it answers soon. */
const quit = async (client: RedisClient): Promise<void> => {
  if (client.status === 'ready') {
    const limit = new Promise((resolve) => setTimeout(resolve, COMMAND_TIMEOUT_MS).unref())
    await Promise.race([client.quit().catch(() => undefined), limit])
  }
  if (client.status !== 'end') client.disconnect()
}

/** Those that have stopped answering, by `REDIS_URL`. */
const silent = new Set<string>()

/** Asks a Redis that fell silent until it answers, or there is no connection any more. */
const untilAnswered = async (
  url: string,
  client: RedisClient,
  isReady: () => boolean,
): Promise<void> => {
  const isAnswered = (): Promise<boolean> =>
    client.ping().then(
      () => true,
      () => false,
    )
  silent.add(url)
  // A connection that breaks answers at once: without the pause nothing else would have its turn.
  while (!(await isAnswered()) && isReady())
    await pause(SILENCE_PAUSE_MS, undefined, { ref: false })
  silent.delete(url)
}

/** A client for a `REDIS_URL`; connects when it is opened. Throws for a URL that cannot be read. */
export const createRedisConnection = (
  url: string,
  {
    timeScale = 1,
    prefix = keyPrefix(timeScale),
    random = Math.random,
  }: {
    /** Routing's milliseconds per real one; absent: 1. */
    readonly timeScale?: number
    /** What all names begin with; absent: as what is learnt of providers at this time scale. */
    readonly prefix?: string
    /** Uniform in [0, 1). Absent: `Math.random`. */
    readonly random?: (() => number) | undefined
  } = {},
): RedisConnection => {
  const target = parseRedisUrl(url)
  const client = createClient(target, {
    keyPrefix: prefix,
    retryStrategy: retryDelay(random),
  })
  let trouble: Trouble | undefined
  // The client would go on in database 0, among what is not its own.
  let refusal: Trouble | undefined
  let renewedMs = Number.NEGATIVE_INFINITY
  let isClosed = false
  client.on('error', (error: Error) => {
    trouble = troubleOf(error)
    refusal = databaseTroubleOf(error) ?? refusal
  })
  client.on('connect', () => {
    refusal = undefined
  })
  client.on('ready', () => {
    trouble = undefined
  })
  const isReady = (): boolean => client.status === 'ready' && !refusal
  return {
    client,
    isReady,
    isSilent: () => silent.has(url),
    fellSilent: () => {
      // What is closed says nothing any more, and nothing of Redis.
      const isOpen = (): boolean => !isClosed && isReady()
      if (isOpen() && !silent.has(url)) void untilAnswered(url, client, isOpen)
    },
    trouble: () => refusal ?? trouble,
    open: () => {
      const isIdle = client.status === 'wait' || client.status === 'end'
      if (isIdle && !isClosed) connect(client)
    },
    renew: (nowMs) => {
      if (target.kind === 'cluster' || nowMs - renewedMs < RENEWAL_INTERVAL_MS) return
      renewedMs = nowMs
      client.disconnect(true)
    },
    close: () => {
      isClosed = true
      return quit(client)
    },
  }
}
