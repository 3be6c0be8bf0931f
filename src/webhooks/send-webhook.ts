import { setTimeout as sleep } from 'node:timers/promises'
import pLimit from 'p-limit'
import type { Clock } from '#src/domain/clock.ts'
import type { RunOrder } from '#src/domain/run-store.ts'
import type { PostOutcome, WebhookPoster } from './post-webhook.ts'
import { type SignWebhook, webhookIdOf } from './webhook-headers.ts'

/** Real milliseconds that one try may take: a receiver that has to think longer answers first. */
export const WEBHOOK_TIMEOUT_MS = 10_000

/**
 * Pauses before the tries after the first, in milliseconds before `TIME_SCALE`: a hiccup, a restart, a deployment, an
 * outage that somebody looks after. Together 13 minutes, well within the hour for which the result can be asked for.
 */
export const WEBHOOK_RETRY_DELAYS_MS = [5_000, 30_000, 120_000, 600_000]

/** Tries at once. Bodies are a few kB; so many dead receivers at once would have to hang to hold up the others. */
const TRIES_AT_ONCE = 64

/** Webhooks that are under way, those that wait for their next try included: some kB each. */
const MAX_UNDER_WAY = 10_000

/** From so many on no more are promised: those promised by then still find room. */
export const WEBHOOKS_PROMISED = 5_000

/** The receiver wants no more (Standard Webhooks 1.0.0, "Delivery success and failure"). */
const GONE = 410

/** The part of a logger that webhooks write to. */
export interface WebhookLogger {
  info(details: object, message: string): void
  warn(details: object, message: string): void
}

export interface WebhookSenderOptions {
  readonly poster: WebhookPoster
  readonly sign: SignWebhook
  readonly clock: Pick<Clock, 'now'>
  readonly logger: WebhookLogger
  /** Pauses before the tries after the first, in real milliseconds. */
  readonly retryDelaysMs: readonly number[]
  /** Waits so many real milliseconds; rejects as soon as the signal is aborted. Absent: a timer. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<unknown>
  /** Webhooks under way at most; absent: 10,000. */
  readonly maxUnderWay?: number
}

/** Tells receivers how requests ended. */
export interface WebhookSender {
  /**
   * Posts to the order's URL what `render` gives, which is asked anew for each try. Resolves to true once it is told,
   * or given up; to false when this gateway stopped before, so that another one has to do it. Never rejects.
   */
  send(order: RunOrder, render: () => Promise<string>): Promise<boolean>
  /** Webhooks that are neither told nor given up. */
  underWay(): number
  /** From now on a first try is the only one, and who waits for the next one is not told. */
  stopRetrying(): void
  /** Stops retrying, and ends tries under way. */
  close(): Promise<void>
}

/** How one try ended; `unwritten`: there was no body to post. */
type TryOutcome = PostOutcome | { readonly kind: 'unwritten'; readonly error: string }

type Verdict = 'told' | 'given_up' | 'again'

const judge = (outcome: TryOutcome): Verdict => {
  if (outcome.kind === 'forbidden') return 'given_up'
  if (outcome.kind !== 'answered') return 'again'
  if (outcome.status >= 200 && outcome.status < 300) return 'told'
  return outcome.status === GONE ? 'given_up' : 'again'
}

/** For the log. Of the URL only the origin: secrets stand in paths as well as in queries. */
const describeTry = ({ requestId }: RunOrder, url: string, tries: number, outcome: TryOutcome) => {
  const { kind, ...details } = outcome
  return { requestId, receiver: URL.parse(url)?.origin, tries, outcome: kind, ...details }
}

const waitForTimer = (ms: number, signal: AbortSignal): Promise<unknown> =>
  sleep(ms, undefined, { signal })

/** Delivers webhooks, each until it is told or given up. */
export const createWebhookSender = (options: WebhookSenderOptions): WebhookSender => {
  const { poster, sign, clock, logger, retryDelaysMs } = options
  const { wait = waitForTimer, maxUnderWay = MAX_UNDER_WAY } = options
  const limit = pLimit(TRIES_AT_ONCE)
  const stopping = new AbortController()
  let underWay = 0

  const tryOnce = async (
    order: RunOrder,
    url: string,
    render: () => Promise<string>,
  ): Promise<TryOutcome> => {
    try {
      const body = await render()
      return await poster.post(url, sign(webhookIdOf(order), clock.now(), body), body)
    } catch (error) {
      return { kind: 'unwritten', error: error instanceof Error ? error.name : 'unknown' }
    }
  }
  /** Whether the time passed, instead of being cut short. */
  const pause = (ms: number): Promise<boolean> =>
    wait(ms, stopping.signal).then(
      () => !stopping.signal.aborted,
      () => false,
    )
  const deliver = async (
    order: RunOrder,
    url: string,
    render: () => Promise<string>,
  ): Promise<boolean> => {
    for (let tries = 1; ; tries += 1) {
      const outcome = await limit(() => tryOnce(order, url, render))
      const verdict = judge(outcome)
      const details = describeTry(order, url, tries, outcome)
      const retryInMs = retryDelaysMs[tries - 1]
      if (verdict === 'told') {
        logger.info(details, 'webhook delivered')
        return true
      }
      if (verdict === 'given_up' || retryInMs === undefined) {
        logger.warn(details, 'webhook given up')
        return true
      }
      if (!stopping.signal.aborted) logger.info({ ...details, retryInMs }, 'webhook not delivered')
      if (!(await pause(retryInMs))) {
        logger.warn(details, 'webhook left to another gateway')
        return false
      }
    }
  }
  const stopRetrying = (): void => stopping.abort()

  return {
    send: async (order, render) => {
      const { webhookUrl, requestId } = order
      if (webhookUrl === undefined) return true
      if (underWay >= maxUnderWay) {
        logger.warn({ requestId, underWay }, 'webhook given up: too many are under way')
        return true
      }
      underWay += 1
      return deliver(order, webhookUrl, render).finally(() => {
        underWay -= 1
      })
    },
    underWay: () => underWay,
    stopRetrying,
    close: () => {
      stopRetrying()
      return poster.close()
    },
  }
}
