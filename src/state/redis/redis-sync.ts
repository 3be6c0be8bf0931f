import type { StatsReceiver } from '#src/domain/provider-stats.ts'
import { runBatch, type Step } from './batch.ts'
import type { RedisConnection } from './connect.ts'
import type { Inbox } from './inbox.ts'
import type { Outbox } from './outbox.ts'
import type { RedisClock } from './redis-clock.ts'
import { HEALTH_KEY, type KeyLifetimes, leaseKey, REPLICAS_KEY } from './redis-keys.ts'
import { NO_DATABASE, NOT_CONNECTED, type Trouble } from './trouble.ts'

export interface RedisSyncParts {
  readonly connection: RedisConnection
  readonly outbox: Outbox
  readonly inbox: Inbox
  readonly clock: RedisClock
  readonly lifetimes: KeyLifetimes
  /** Id of this gateway. */
  readonly gateway: string
  /** A gateway without a sign of life for so long is gone; routing's ms. */
  readonly aliveMs: number
  /** Routing's time. */
  readonly nowMs: () => number
  /** Real time, monotonic. */
  readonly realMs: () => number
}

/** How one exchange went. `pending`: there is no connection yet, and nothing went wrong. */
export type SyncResult = { readonly trouble: Trouble | undefined } | 'pending'

/** Exchanges what was learnt with Redis, all in one batch. */
export class RedisSync {
  readonly #parts: RedisSyncParts

  constructor(parts: RedisSyncParts) {
    this.#parts = parts
  }

  /** One exchange. Never rejects for what Redis does. Not to be called again before it is over. */
  async run(receiver: StatsReceiver): Promise<SyncResult> {
    const { connection, realMs } = this.#parts
    this.#dropOld()
    if (!connection.isReady()) {
      connection.open()
      this.#grantAll(receiver)
      const trouble = connection.trouble()
      if (trouble?.kind === NO_DATABASE) connection.renew(realMs())
      return trouble ? { trouble } : 'pending'
    }
    const aheadMs = await this.#ahead()
    if (typeof aheadMs !== 'number') {
      this.#grantAll(receiver)
      return { trouble: aheadMs }
    }
    const trouble = await this.#exchange(receiver, aheadMs)
    if (trouble?.kind === 'READONLY') connection.renew(realMs())
    return { trouble }
  }

  /** In every exchange, so that memory stays bounded however long Redis is in trouble. */
  #dropOld(): void {
    const { outbox, inbox, clock } = this.#parts
    const nowMs = this.#parts.nowMs()
    outbox.dropOld(nowMs)
    // Before it is known nothing was exchanged.
    if (clock.aheadMs !== undefined) inbox.dropOld({ nowMs, aheadMs: clock.aheadMs })
  }

  /** Without the others nobody else probes. */
  #grantAll(receiver: StatsReceiver): void {
    const nowMs = this.#parts.nowMs()
    for (const key of receiver.wantedProbes(nowMs)) receiver.grantProbe(key, nowMs)
  }

  async #ahead(): Promise<number | Trouble> {
    const { clock, connection } = this.#parts
    if (clock.aheadMs !== undefined) return clock.aheadMs
    // Without a key a cluster's node is chosen by chance, whose clock may be another.
    const keyed: Step = { send: (pipeline) => pipeline.exists(HEALTH_KEY) }
    const trouble = await runBatch(connection.client, [this.#timeStep(), keyed])
    return clock.aheadMs ?? trouble ?? NOT_CONNECTED
  }

  #exchange(receiver: StatsReceiver, aheadMs: number): Promise<Trouble | undefined> {
    const { connection, outbox, inbox } = this.#parts
    const moment = { nowMs: this.#parts.nowMs(), aheadMs }
    return runBatch(connection.client, [
      this.#timeStep(),
      ...outbox.steps(moment.nowMs, aheadMs),
      this.#heartbeatStep(moment.nowMs + aheadMs, receiver),
      ...receiver.wantedProbes(moment.nowMs).map((key) => this.#leaseStep(key, receiver)),
      ...inbox.steps(moment, receiver),
    ])
  }

  #timeStep(): Step {
    const { clock, nowMs } = this.#parts
    let askedMs = 0
    return {
      send: (pipeline) => {
        askedMs = nowMs()
        return pipeline.time()
      },
      answered: (answer) => clock.learn(answer, askedMs, nowMs()),
    }
  }

  #heartbeatStep(redisMs: number, receiver: StatsReceiver): Step {
    const { gateway, aliveMs, lifetimes } = this.#parts
    const times = [redisMs, redisMs - aliveMs, redisMs + aliveMs].map(Math.round)
    return {
      send: (pipeline) => pipeline.heartbeat(REPLICAS_KEY, gateway, ...times, lifetimes.sharedMs),
      answered: (answer) => receiver.setReplicas(Number(answer)),
    }
  }

  #leaseStep(key: string, receiver: StatsReceiver): Step {
    const { gateway, lifetimes, nowMs } = this.#parts
    const grant = () => receiver.grantProbe(key, nowMs())
    return {
      send: (pipeline) => pipeline.set(leaseKey(key), gateway, 'PX', lifetimes.leaseMs, 'NX'),
      answered: (answer) => {
        if (answer === 'OK') grant()
      },
      failed: grant,
    }
  }

  /** The last exchange: tells what is left, and that this gateway is gone. */
  async leave(): Promise<void> {
    const { connection, outbox, clock, gateway, nowMs } = this.#parts
    if (!connection.isReady() || clock.aheadMs === undefined) return
    await runBatch(connection.client, [
      ...outbox.steps(nowMs(), clock.aheadMs),
      { send: (pipeline) => pipeline.zrem(REPLICAS_KEY, gateway) },
    ])
  }
}
