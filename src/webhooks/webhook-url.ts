import { GatewayError, invalidRequest } from '#src/domain/errors.ts'
import { OutboundRefusal, type OutboundRules } from '#src/images/outbound-rules.ts'

/** Longest URL that is kept with a request; longer ones are cut by others on the way anyhow. */
const MAX_URL_CHARACTERS = 2_048

/** The request field. */
const FIELD = 'webhook_url'

const requireSigning = (canSign: boolean): void => {
  if (canSign) return
  throw invalidRequest(
    `${FIELD} cannot be used here: the operator of this gateway has to set WEBHOOK_SIGNING_SECRET.`,
    FIELD,
  )
}

const readUrl = (url: string): URL => {
  if (url.length > MAX_URL_CHARACTERS) {
    throw invalidRequest(`${FIELD} must have at most ${MAX_URL_CHARACTERS} characters.`, FIELD)
  }
  const parsed = URL.parse(url)
  if (!parsed) throw invalidRequest(`${FIELD} must be an https URL.`, FIELD)
  return parsed
}

/**
 * Throws the 400 for a URL that nothing could be posted to, or the 503 when too many wait already. What its name
 * resolves to is checked when it is.
 */
export type CheckWebhookUrl = (url: string) => void

export interface WebhookUrlOptions {
  readonly rules: OutboundRules
  /** Whether the gateway has a secret to sign with; without one no URL is taken. */
  readonly canSign: boolean
  /** Whether so many webhooks wait for their receivers that no more are promised. Absent: never. */
  readonly isFull?: () => boolean
}

/** Receivers that are down are tried again for minutes: soon is too soon, in ms. */
const RETRY_AFTER_MS = 30_000

const requireRoom = (isFull: boolean): void => {
  if (!isFull) return
  const message = `Too many webhooks wait for their receivers. Send this request later, or without ${FIELD}.`
  throw new GatewayError('OVERLOADED', message, { param: FIELD, retryAfterMs: RETRY_AFTER_MS })
}

export const createWebhookUrlCheck =
  ({ rules, canSign, isFull = () => false }: WebhookUrlOptions): CheckWebhookUrl =>
  (url) => {
    requireSigning(canSign)
    const parsed = readUrl(url)
    try {
      rules.requireAllowedUrl(parsed)
    } catch (error) {
      if (!(error instanceof OutboundRefusal)) throw error
      throw invalidRequest(`${FIELD} ${error.message}.`, FIELD)
    }
    requireRoom(isFull())
  }
