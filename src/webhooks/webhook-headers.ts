import { createHash } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import type { RunOrder } from '#src/domain/run-store.ts'
import { readSigningSecret } from './signing-secret.ts'

/** What the message's id is made of. */
export type WebhookSubject = Pick<RunOrder, 'keyId' | 'requestId' | 'createdAtMs' | 'nonce'>

/**
 * Names one message over all its tries and gateways, so that a receiver takes it once. A hash, not the request's id:
 * clients choose those, two may choose the same, and one with a dot could be signed as another message (Standard
 * Webhooks 1.0.0, "Signature scheme").
 */
export const webhookIdOf = (subject: WebhookSubject): string => {
  const { keyId = '', requestId, createdAtMs, nonce } = subject
  const hash = createHash('sha256').update(JSON.stringify([keyId, requestId, createdAtMs, nonce]))
  return `msg_${hash.digest('hex').slice(0, 32)}`
}

/** The headers of one try. `sentAtMs` is in wall-clock ms. */
export type SignWebhook = (id: string, sentAtMs: number, body: string) => Record<string, string>

/** Signs by the Standard Webhooks scheme. Throws for a secret that cannot be used. */
export const createWebhookSigner = (secret: string): SignWebhook => {
  const webhook = new Webhook(readSigningSecret(secret), { format: 'raw' })
  return (id, sentAtMs, body) => ({
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(sentAtMs / 1000)),
    'webhook-signature': webhook.sign(id, new Date(sentAtMs), body),
  })
}
