import type { ServerResponse } from 'node:http'
import type { LookupFunction } from 'node:net'
import { expect } from 'vitest'
import type { RunOrder } from '#src/domain/run-store.ts'
import { createOutboundRules } from '#src/images/outbound-rules.ts'
import { createLogger } from '#src/telemetry/logger.ts'
import { createWebhookPoster } from '#src/webhooks/post-webhook.ts'
import {
  createWebhookSender,
  WEBHOOK_RETRY_DELAYS_MS,
  type WebhookSenderOptions,
} from '#src/webhooks/send-webhook.ts'
import { createWebhookSigner } from '#src/webhooks/webhook-headers.ts'
import { type Receiver, startReceiver } from './receiver.ts'

/** What the senders sign with. */
export const SECRET = `whsec_${Buffer.from('a secret of thirty-two bytes, no').toString('base64')}`
const closers: (() => Promise<void>)[] = []
/** Ends what a test has started; to be called after each. */
export const closeAll = async (): Promise<void> => {
  await Promise.all(closers.splice(0).map((close) => close()))
}

/** A receiver that answers as the test says. */
export const receive = async (answer: (response: ServerResponse, index: number) => void) => {
  const receiver = await startReceiver(answer)
  closers.push(receiver.close)
  return receiver
}

/** A request whose end is to be posted there. */
export const orderTo = (webhookUrl: string): RunOrder => ({
  requestId: 'req_1',
  keyId: 'key-1',
  endpoint: '/v1/images/generations',
  mode: 'text_to_image',
  modelId: 'model',
  wanted: { responseFormat: 'url' },
  count: 1,
  createdAtMs: 1_000,
  nonce: '0123456789',
  deadlineAtMs: 2_000,
  webhookUrl,
  baseUrl: 'https://gateway.test',
})

const toLoopback: LookupFunction = (_hostname, _options, callback) =>
  callback(null, [{ address: '127.0.0.1', family: 4 }])

/** A sender whose pauses take no time but on its clock, unless they are to. */
export const senderTo = (
  allowedHosts: readonly string[],
  {
    timeoutMs = 5_000,
    isInTime = false,
    ...options
  }: Partial<WebhookSenderOptions> & { timeoutMs?: number; isInTime?: boolean } = {},
) => {
  const waits: number[] = []
  const lines: string[] = []
  let nowMs = Date.now()
  const wait = async (ms: number) => {
    waits.push(ms)
    // Little enough for the receiver's own clock to find every time stamp fresh.
    nowMs += 2_000
  }
  const rules = createOutboundRules(allowedHosts)
  const sender = createWebhookSender({
    poster: createWebhookPoster({ rules, timeoutMs, lookup: toLoopback }),
    sign: createWebhookSigner(SECRET),
    clock: { now: () => nowMs },
    logger: createLogger('debug', { write: (line) => void lines.push(line) }),
    retryDelaysMs: WEBHOOK_RETRY_DELAYS_MS,
    ...(!isInTime && { wait }),
    ...options,
  })
  closers.push(sender.close)
  return {
    sender,
    waits,
    log: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
    text: () => lines.join(''),
  }
}

/** A body. */
export const renderText = async () => '{"type":"image.completed"}'

/** What the log says, without times. */
export const told = (receiver: Receiver, tries: number, msg: string, more: object) => ({
  level: msg === 'webhook delivered' || msg === 'webhook not delivered' ? 'info' : 'warn',
  time: expect.any(String),
  requestId: 'req_1',
  receiver: receiver.url,
  tries,
  msg,
  ...more,
})
