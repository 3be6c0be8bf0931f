import type { ProviderDependencies, UpstreamFailure } from '#src/domain/provider-adapter.ts'
import { readAhead } from './read-ahead.ts'
import { scaledLimitMs } from './request-limit.ts'

/**
 * What a single-shot fetch throws. It has neither `code` nor `cause`, and its name is no DOMException's: the fal
 * client walks both to decide whether to send again.
 */
export class UpstreamCallError extends Error {
  override readonly name = 'UpstreamCallError'
  readonly failure: UpstreamFailure

  constructor(failure: UpstreamFailure) {
    super('The upstream call failed')
    this.failure = failure
  }
}

export interface SingleShotOptions {
  /** `fetch` is what really sends. */
  readonly dependencies: Pick<ProviderDependencies, 'fetch' | 'clock' | 'timeScale'>
  /** Ends the request. The SDK's own signal is left aside: one of them drops the reason. */
  readonly signal: AbortSignal
  /** Request headers that the SDK has no option for; absent: none. */
  readonly headers?: Readonly<Record<string, string>>
  /** Where the request goes instead, when the SDK has no option for it; absent: as the SDK says. */
  readonly redirectTo?: (url: URL) => URL
  /** True: the body of a good answer is passed on as it comes, not when it is whole. Absent: false. */
  readonly streamsAnswer?: boolean
}

export interface SingleShot {
  /** Handed to an SDK for one call of it. */
  readonly fetch: typeof globalThis.fetch
  /** Why the request failed; `undefined` while it has not. */
  failure(): UpstreamFailure | undefined
  /** Whether the request was handed to the network, so that the provider may know of it. */
  requestLeft(): boolean
}

interface ShotState {
  sent: boolean
  requestLeft: boolean
  error?: UpstreamCallError
}

/**
 * A fetch for exactly one request, so that no SDK sends a paid job twice. A failure, a status outside 2xx included,
 * is thrown and not returned, as the SDKs repeat on statuses; every later request gets the same failure thrown
 * again at once. A whole answer is read before it is passed on, so a connection lost inside a body is seen here; of a
 * streamed one the loss is recorded, and thrown to who reads it, when all that had come has been read.
 */
export const createSingleShot = (options: SingleShotOptions): SingleShot => {
  const state: ShotState = { sent: false, requestLeft: false }
  const fetchOnce: typeof globalThis.fetch = async (input, init) => {
    if (state.sent) throw state.error ?? refusedSecondRequest()
    state.sent = true
    try {
      return await exchange(options, state, input, init)
    } catch (error) {
      state.error = asCallError(error, state)
      state.requestLeft = state.error.failure.requestLeft
      throw state.error
    }
  }
  return {
    fetch: fetchOnce,
    failure: () => state.error?.failure,
    requestLeft: () => state.requestLeft,
  }
}

const refusedSecondRequest = (): UpstreamCallError =>
  new UpstreamCallError({ headers: {}, networkCode: 'SECOND_REQUEST', requestLeft: true })

const exchange = async (
  options: SingleShotOptions,
  state: ShotState,
  input: string | URL | Request,
  init: RequestInit | undefined,
): Promise<Response> => {
  options.signal.throwIfAborted()
  const url = new URL(input instanceof Request ? input.url : input)
  const target = options.redirectTo?.(url) ?? url
  state.requestLeft = true
  const response = await options.dependencies.fetch(target, {
    ...init,
    headers: withHeaders(init?.headers, options.headers),
    signal: options.signal,
    // A redirect followed by itself would be a second request, and could carry the key to another host.
    redirect: 'manual',
  })
  if (!response.ok) throw await statusError(response, options.dependencies)
  const body = options.streamsAnswer ? streamedBody(response, state) : await wholeBody(response)
  return new Response(body, { status: response.status, headers: response.headers })
}

const wholeBody = async (response: Response): Promise<ArrayBuffer | null> => {
  const bytes = await response.arrayBuffer()
  return bytes.byteLength === 0 ? null : bytes
}

const streamedBody = ({ body }: Response, state: ShotState): ReadableStream<Uint8Array> | null =>
  body === null
    ? null
    : readAhead(body, (error) => {
        state.error = asCallError(error, state)
        return state.error
      })

const withHeaders = (
  own: RequestInit['headers'],
  added: Readonly<Record<string, string>> | undefined,
): Headers => {
  const headers = new Headers(own)
  for (const [name, value] of Object.entries(added ?? {})) headers.set(name, value)
  return headers
}

/** Milliseconds in which the body of an error has to be there. */
const ERROR_BODY_LIMIT_MS = 2_000

/** Bytes of an error's body that are read. The longest on record are Google's, with some kilobytes of details. */
const ERROR_BODY_LIMIT_BYTES = 65_536

/** The status says enough even when the body of the error is too long, too slow or broken. */
const statusError = async (
  response: Response,
  { clock, timeScale }: SingleShotOptions['dependencies'],
): Promise<UpstreamCallError> => {
  // Without a date of its own, times in the answer count from its arrival.
  const date = new Date(clock.now()).toUTCString()
  const headers = { date, ...Object.fromEntries(response.headers) }
  const text = await readErrorText(response, scaledLimitMs(ERROR_BODY_LIMIT_MS, timeScale))
  const failure = { status: response.status, headers, requestLeft: true }
  return new UpstreamCallError(text === '' ? failure : { ...failure, body: parsedOrText(text) })
}

/** The whole text, or '' when it cannot be had within the limits. */
const readErrorText = async (response: Response, limitMs: number): Promise<string> => {
  const reader = response.body?.getReader()
  if (reader === undefined) return ''
  // Ends the reading as well as the connection that it holds.
  const cancel = (): void => void reader.cancel().catch(() => {})
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    cancel()
  }, limitMs)
  try {
    const bytes = await readUpTo(reader, ERROR_BODY_LIMIT_BYTES)
    return isLate ? '' : new TextDecoder().decode(bytes)
  } catch {
    return ''
  } finally {
    clearTimeout(timer)
    cancel()
  }
}

/** All bytes; nothing when there are more than the limit. */
const readUpTo = async (
  reader: ReadableStreamDefaultReader<Uint8Array>,
  limitBytes: number,
): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return Buffer.concat(chunks)
    sizeBytes += value.byteLength
    if (sizeBytes > limitBytes) return new Uint8Array()
    chunks.push(value)
  }
}

const parsedOrText = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const asCallError = (error: unknown, state: ShotState): UpstreamCallError => {
  if (error instanceof UpstreamCallError) return error
  const networkCode = networkCodeOf(error)
  const requestLeft = state.requestLeft && !isBeforeSending(error)
  return new UpstreamCallError({ headers: {}, networkCode, requestLeft })
}

/** The error and what caused it, outermost first. */
const causeChain = (error: unknown): { code?: unknown; syscall?: unknown; name?: unknown }[] => {
  const chain: { code?: unknown; syscall?: unknown; name?: unknown }[] = []
  let current = error
  while (typeof current === 'object' && current !== null && chain.length < 8) {
    chain.push(current)
    current = 'cause' in current ? current.cause : undefined
  }
  return chain
}

const networkCodeOf = (error: unknown): string => {
  const chain = causeChain(error)
  if (chain.some(({ name }) => name === 'TimeoutError')) return 'TIMED_OUT'
  if (chain.some(({ name }) => name === 'AbortError')) return 'ABORTED'
  for (const { code } of chain) if (typeof code === 'string') return code
  return 'CONNECTION_FAILED'
}

/** Codes of Node, OpenSSL and undici for a connection that was never made. */
const BEFORE_SENDING =
  /^(ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT|ERR_TLS_\w+|ERR_SSL_\w+|ERR_INVALID_URL|CERT_\w+|DEPTH_ZERO_\w+|SELF_SIGNED_\w+|UNABLE_TO_\w+)$/

const isBeforeSending = (error: unknown): boolean =>
  causeChain(error).some(
    ({ code, syscall }) =>
      syscall === 'connect' ||
      syscall === 'getaddrinfo' ||
      (typeof code === 'string' && BEFORE_SENDING.test(code)),
  )
