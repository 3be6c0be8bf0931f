import type { Logger } from 'pino'
import type { ByteBudget } from './bytes/byte-budget.ts'
import type { Config } from './config.ts'
import { type BusyCount, createBusyCount } from './domain/busy-count.ts'
import { systemClock } from './domain/clock.ts'
import type { RequestLog } from './domain/request-record.ts'
import type { RunStore } from './domain/run-store.ts'
import {
  type AcceptedRequests,
  type AcceptedRequestsDependencies,
  createAcceptedRequests,
} from './generation/accepted-requests.ts'
import { adoptRepeatedly } from './generation/adopt-repeatedly.ts'
import type { GenerationDependencies } from './generation/generation-dependencies.ts'
import type { CheckWebhookUrl } from './http/image-request-reader.ts'
import { createWebhookBody } from './http/webhook-body.ts'
import type { OpenKeptImages } from './images/kept-images.ts'
import { createOutboundRules } from './images/outbound-rules.ts'
import { createMemoryRunStore } from './state/memory/memory-run-store.ts'
import { LEASE_MS, RENEWAL_MS } from './state/redis/run-keys.ts'
import { createRedisRunStore } from './state/redis-run-store.ts'
import { createWebhookPoster } from './webhooks/post-webhook.ts'
import {
  createWebhookSender,
  WEBHOOK_RETRY_DELAYS_MS,
  WEBHOOK_TIMEOUT_MS,
  WEBHOOKS_PROMISED,
  type WebhookSender,
} from './webhooks/send-webhook.ts'
import { createWebhookSigner } from './webhooks/webhook-headers.ts'
import { createWebhookUrlCheck } from './webhooks/webhook-url.ts'

/** How often requests of gateways that have died are looked for, in ms before `TIME_SCALE`. */
const ADOPTION_INTERVAL_MS = 10_000

/** Shortest lease of a run in real ms, whatever `TIME_SCALE` is: a busy gateway must not be taken for a dead one. */
const SHORTEST_LEASE_MS = 1_500

export interface RunParts {
  readonly config: Config
  readonly generation: GenerationDependencies
  readonly requestLog: RequestLog
  readonly openKeptImages: OpenKeptImages
  /** Provider slug → name for people. */
  readonly providerNames: ReadonlyMap<string, string>
  readonly logger: Logger
  /** What all requests together may hold in memory. */
  readonly budget: ByteBudget
}

/** Requests that outlive their connections. */
export interface RunningRuns {
  readonly runs: RunStore
  readonly accepted: AcceptedRequests
  readonly checkWebhookUrl: CheckWebhookUrl
  /** Counts the work that no connection waits for. */
  readonly detached: BusyCount
  /** Whether other gateways know of the runs. */
  isShared(): boolean
  /** Webhooks that are neither told nor given up. */
  webhooksUnderWay(): number
  /** Takes nothing over any more; resolves once what was taken on is done. */
  drain(): Promise<void>
  close(): Promise<void>
}

interface Webhooks {
  readonly sender?: WebhookSender
  readonly notify: AcceptedRequestsDependencies['notify']
  readonly checkUrl: CheckWebhookUrl
}

const createWebhooks = (parts: RunParts): Webhooks => {
  const { config, requestLog, openKeptImages, providerNames, logger } = parts
  const { webhookSigningSecret: secret } = config
  const rules = createOutboundRules(config.outboundAllow)
  let sender: WebhookSender | undefined
  const checkUrl = createWebhookUrlCheck({
    rules,
    canSign: secret !== undefined,
    isFull: () => (sender?.underWay() ?? 0) >= WEBHOOKS_PROMISED,
  })
  if (secret === undefined) {
    const notify: Webhooks['notify'] = async ({ requestId }) => {
      logger.warn({ requestId }, 'a webhook was not sent: this gateway has no secret to sign it')
      return true
    }
    return { notify, checkUrl }
  }
  sender = createWebhookSender({
    poster: createWebhookPoster({ rules, timeoutMs: WEBHOOK_TIMEOUT_MS }),
    sign: createWebhookSigner(secret),
    clock: systemClock,
    logger,
    retryDelaysMs: WEBHOOK_RETRY_DELAYS_MS.map((delayMs) => delayMs / config.timeScale),
  })
  const render = createWebhookBody({
    requestLog,
    openKeptImages,
    providerNames,
    clock: systemClock,
  })
  return {
    sender,
    notify: (order, answer) => sender.send(order, () => render(order, answer)),
    checkUrl,
  }
}

const createRunStore = ({
  redisUrl,
  timeScale,
}: Config): Pick<RunningRuns, 'runs' | 'isShared'> => {
  if (redisUrl === undefined) {
    return { runs: createMemoryRunStore({ clock: systemClock }), isShared: () => false }
  }
  const leaseMs = Math.max(SHORTEST_LEASE_MS, LEASE_MS / timeScale)
  const runs = createRedisRunStore({
    url: redisUrl,
    clock: systemClock,
    leaseMs,
    renewalMs: leaseMs * (RENEWAL_MS / LEASE_MS),
  })
  return { runs, isShared: () => runs.isShared() }
}

/** Takes over, from the start and from time to time, what gateways that have died had taken on. */
export const startRuns = (parts: RunParts): RunningRuns => {
  const { generation, requestLog, logger, budget } = parts
  const { timeScale } = parts.config
  const { runs, isShared } = createRunStore(parts.config)
  const detached = createBusyCount()
  const { sender, notify, checkUrl } = createWebhooks(parts)
  const accepted = createAcceptedRequests({
    generation,
    runs,
    requestLog,
    notify,
    detached,
    openMemory: budget.openAccount,
  })
  const everyMs = Math.max(100, ADOPTION_INTERVAL_MS / timeScale)
  const adopting = adoptRepeatedly(accepted, everyMs, ({ name, stack }) =>
    logger.error({ name, stack }, 'requests could not be taken over'),
  )
  return {
    runs,
    accepted,
    checkWebhookUrl: checkUrl,
    detached,
    isShared,
    webhooksUnderWay: () => sender?.underWay() ?? 0,
    drain: async () => {
      sender?.stopRetrying()
      // What a look finds that is under way now is taken on, too.
      await adopting.stop()
      await detached.untilNone()
    },
    close: async () => {
      await sender?.close()
      await runs.close()
    },
  }
}
