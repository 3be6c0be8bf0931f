import type { LookupFunction } from 'node:net'
import { Agent, type Dispatcher, request } from 'undici'
import {
  createGuardedConnector,
  OutboundRefusal,
  type OutboundRules,
} from '#src/images/outbound-rules.ts'

/**
 * How one try ended.
 * - `answered`: with this status, a redirect among them
 * - `forbidden`: by the outbound rules; another try would be too
 * - `failed`: no whole answer came in time, or at all
 */
export type PostOutcome =
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'forbidden'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: 'timeout' | 'network' }

export interface WebhookPosterOptions {
  readonly rules: OutboundRules
  /** Real milliseconds that one try may take. */
  readonly timeoutMs: number
  /** Resolves host names; absent: the system's resolver. */
  readonly lookup?: LookupFunction
}

/** Posts bodies to URLs that clients named. */
export interface WebhookPoster {
  /** Never rejects. */
  post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<PostOutcome>
  /** Ends all connections, tries under way too. */
  close(): Promise<void>
}

/** Of an answer's body that nobody looks at: enough for usual ones to end in order. */
const IGNORED_BYTES = 16 * 1024

const FIXED_HEADERS = { 'content-type': 'application/json', 'user-agent': 'fresnel' }

/** Lets the receiver finish its answer; whatever becomes of that, its status has been told. */
const ignoreBody = async (body: Dispatcher.ResponseData['body'], signal: AbortSignal) => {
  try {
    await body.dump({ limit: IGNORED_BYTES, signal })
  } catch {
    body.on('error', () => undefined).destroy()
  }
}

const parseUrl = (url: string): URL => {
  const parsed = URL.parse(url)
  if (!parsed) throw new OutboundRefusal('is not a valid URL')
  return parsed
}

const toOutcome = (error: unknown, signal: AbortSignal): PostOutcome => {
  if (error instanceof OutboundRefusal) return { kind: 'forbidden', reason: error.message }
  return { kind: 'failed', reason: signal.aborted ? 'timeout' : 'network' }
}

/** Follows no redirect: the body and its signature are for the URL that was given. */
export const createWebhookPoster = (options: WebhookPosterOptions): WebhookPoster => {
  const { rules, timeoutMs, lookup } = options
  const dispatcher = new Agent({
    connect: createGuardedConnector(rules, lookup),
    // A connection each: one that was kept may be gone by the next webhook, and a POST on it is lost.
    pipelining: 0,
    // The time limit over everything is the poster's own.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  return {
    post: async (url, headers, body) => {
      const signal = AbortSignal.timeout(timeoutMs)
      try {
        const target = parseUrl(url)
        rules.requireAllowedUrl(target)
        const answer = await request(target, {
          method: 'POST',
          headers: { ...FIXED_HEADERS, ...headers },
          body,
          signal,
          dispatcher,
        })
        await ignoreBody(answer.body, signal)
        return { kind: 'answered', status: answer.statusCode }
      } catch (error) {
        return toOutcome(error, signal)
      }
    },
    close: () => dispatcher.destroy(),
  }
}
