import type { LookupFunction } from 'node:net'
import { Readable } from 'node:stream'
import { Agent, type Dispatcher, request } from 'undici'
import { type FetchFailure, type FetchPurpose, ImageFetchError } from './image-fetch-error.ts'
import {
  createGuardedConnector,
  createOutboundRules,
  OutboundRefusal,
  type OutboundRules,
} from './outbound-rules.ts'

export interface ImageFetcherOptions {
  /** `host:port` that may be fetched although not public or not https. */
  readonly allowedHosts: readonly string[]
  /** Largest file in bytes. */
  readonly maxBytes: number
  /** Real milliseconds that one fetch may take from its start to its last byte, redirects included. */
  readonly timeoutMs: number
  /** Resolves host names; absent: the system's resolver. */
  readonly lookup?: LookupFunction
}

export interface FetchRequest {
  /** Ends the fetch, the stream included. */
  readonly signal: AbortSignal
  /** Who named the URL; decides the wording of errors. */
  readonly purpose: FetchPurpose
  /** Largest file in bytes for this fetch; absent: the fetcher's. */
  readonly maxBytes?: number
}

export interface FetchedImage {
  /** Fails with `ImageFetchError`. Has to be read or destroyed. */
  readonly stream: Readable
  /** As announced, in bytes; absent: not announced. */
  readonly contentLength?: number
}

export interface ImageFetcher {
  /** Rejects with `ImageFetchError`. */
  fetch(url: string, request: FetchRequest): Promise<FetchedImage>
  /** Ends all connections, fetches under way too. */
  close(): Promise<void>
}

const MAX_REDIRECTS = 5
const REDIRECTS = [301, 302, 303, 307, 308]
/** No authorization, cookie or referrer, ever; and bytes as they are, so that lengths mean something. */
const HEADERS = { accept: 'image/*', 'accept-encoding': 'identity', 'user-agent': 'fresnel' }

/** One fetch under way. */
interface Fetch {
  readonly request: FetchRequest
  readonly maxBytes: number
  /** Aborted by the caller's signal or by the time limit. */
  readonly signal: AbortSignal
  isTimedOut(): boolean
  /** Stops the time limit. */
  end(): void
}

const startFetch = (fetchRequest: FetchRequest, options: ImageFetcherOptions): Fetch => {
  const limit = new AbortController()
  const timer = setTimeout(() => limit.abort(), options.timeoutMs)
  return {
    request: fetchRequest,
    maxBytes: fetchRequest.maxBytes ?? options.maxBytes,
    signal: AbortSignal.any([fetchRequest.signal, limit.signal]),
    isTimedOut: () => limit.signal.aborted,
    end: () => clearTimeout(timer),
  }
}

const failure = (fetch: Fetch, details: Omit<FetchFailure, 'purpose'>): ImageFetchError =>
  new ImageFetchError({ purpose: fetch.request.purpose, ...details })

const tooLarge = (fetch: Fetch): ImageFetchError =>
  failure(fetch, { reason: 'too_large', what: `is larger than ${fetch.maxBytes} bytes` })

const toFetchError = (error: unknown, fetch: Fetch): ImageFetchError => {
  if (error instanceof ImageFetchError) return error
  if (error instanceof OutboundRefusal) {
    return failure(fetch, { reason: 'forbidden', what: error.message })
  }
  if (fetch.request.signal.aborted) {
    return failure(fetch, {
      reason: 'cancelled',
      what: 'was not fetched: the request was cancelled',
    })
  }
  if (fetch.isTimedOut()) {
    return failure(fetch, { reason: 'timeout', what: 'did not arrive in time' })
  }
  return failure(fetch, { reason: 'network', what: 'could not be fetched: the connection failed' })
}

const discard = (body: Readable): void => {
  // Destroying an unread body is reported as its error, which nobody waits for.
  body.on('error', () => undefined).destroy()
}

const parseUrl = (url: string, base?: URL): URL => {
  const parsed = URL.parse(url, base?.href)
  if (parsed === null) throw new OutboundRefusal('is not a valid URL')
  return parsed
}

const followRedirects = async (
  start: string,
  fetch: Fetch,
  agent: Agent,
  rules: OutboundRules,
): Promise<Dispatcher.ResponseData> => {
  let url = parseUrl(start)
  for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
    rules.requireAllowedUrl(url)
    const response = await request(url, {
      dispatcher: agent,
      headers: HEADERS,
      signal: fetch.signal,
    })
    const { location } = response.headers
    if (!REDIRECTS.includes(response.statusCode) || typeof location !== 'string') return response
    discard(response.body)
    url = parseUrl(location, url)
  }
  throw new OutboundRefusal(`redirects more than ${MAX_REDIRECTS} times`)
}

const contentLengthOf = (response: Dispatcher.ResponseData): number | undefined => {
  const length = Number.parseInt(String(response.headers['content-length']), 10)
  return Number.isNaN(length) ? undefined : length
}

const requireUsable = (response: Dispatcher.ResponseData, fetch: Fetch): void => {
  const status = response.statusCode
  if (status !== 200) {
    throw failure(fetch, { reason: 'status', what: `answered with status ${status}`, status })
  }
  if ((contentLengthOf(response) ?? 0) > fetch.maxBytes) throw tooLarge(fetch)
}

/** The body within its limits, as fast as it is read. Neither a generator nor a pipe: those cost more than the rest. */
const streamBody = (body: Readable, fetch: Fetch): Readable => {
  let received = 0
  const stream = new Readable({
    read: () => body.resume(),
    destroy: (error, done) => {
      fetch.end()
      discard(body)
      done(error)
    },
  })
  body.on('data', (chunk: Buffer) => {
    received += chunk.length
    if (received > fetch.maxBytes) stream.destroy(tooLarge(fetch))
    else if (!stream.push(chunk)) body.pause()
  })
  body.once('end', () => stream.push(null))
  body.once('error', (error) => stream.destroy(toFetchError(error, fetch)))
  return stream
}

const fetchImage = async (
  url: string,
  fetch: Fetch,
  agent: Agent,
  rules: OutboundRules,
): Promise<FetchedImage> => {
  const response = await followRedirects(url, fetch, agent, rules)
  try {
    requireUsable(response, fetch)
  } catch (error) {
    discard(response.body)
    throw error
  }
  const contentLength = contentLengthOf(response)
  const stream = streamBody(response.body, fetch)
  return contentLength === undefined ? { stream } : { stream, contentLength }
}

/** Fetches files that others name, under the outbound rules, over connections that are kept alive. */
export const createImageFetcher = (options: ImageFetcherOptions): ImageFetcher => {
  const rules = createOutboundRules(options.allowedHosts)
  const agent = new Agent({
    connect: createGuardedConnector(rules, options.lookup),
    // The time limit over everything is the fetcher's own.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  return {
    fetch: async (url, fetchRequest) => {
      const fetch = startFetch(fetchRequest, options)
      try {
        return await fetchImage(url, fetch, agent, rules)
      } catch (error) {
        fetch.end()
        throw toFetchError(error, fetch)
      }
    },
    close: () => agent.destroy(),
  }
}
