import type { IncomingHttpHeaders } from 'node:http'
import { Agent, type Dispatcher } from 'undici'
import { NotSentError } from '#src/domain/errors.ts'
import type {
  SendUpstream,
  StreamedBody,
  UpstreamAnswer,
  UpstreamRequest,
} from '#src/domain/provider-adapter.ts'
import { ArrivingBody } from './arriving-body.ts'
import { decodedBody } from './decoded-body.ts'

/** Milliseconds to wait for a connection: a host that takes longer is down, and another provider is waiting. */
const CONNECT_TIMEOUT_MS = 10_000

/**
 * Milliseconds an idle connection is kept for the next request. Google's front ends close theirs after about four
 * minutes; ending ours well before avoids sending a generation into a connection that is just being closed.
 */
const KEEP_ALIVE_MS = 30_000

export interface UpstreamTransport {
  /** Sends requests over kept connections, without any time limit but the one for connecting. */
  readonly send: SendUpstream
  /** Ends the idle connections, after those in use are done. */
  close(): Promise<void>
}

/**
 * The transport of all adapters. Undici's own limits on waiting for headers and body (300 s each) are off: a
 * generation may be silent for longer, and the attempt's signal ends it.
 *
 * Connections of an origin are not limited: a waiting generation holds one, so a limit would keep requests in a queue
 * that neither routing nor the provider sees. How many there are is bounded where requests are let in. HTTP/2 is off:
 * one lost connection would take along every paid request on it.
 */
export const createUpstreamTransport = (): UpstreamTransport => {
  const agent = new Agent({
    allowH2: false,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  return { send: (request) => send(agent, request), close: () => agent.close() }
}

/** By `dispatch`, not `request`: that makes a stream of every body, and does not tell whether anything went out. */
const send = (agent: Agent, request: UpstreamRequest): Promise<UpstreamAnswer> =>
  new Promise((resolve, reject) => {
    const exchange = new Exchange(request, resolve, reject)
    // Undici would make a connection, or take a kept one, only to end it.
    if (!request.signal.aborted) agent.dispatch(optionsOf(request), exchange)
  })

const optionsOf = ({ method, url, headers, body }: UpstreamRequest) => ({
  origin: url.origin,
  path: `${url.pathname}${url.search}`,
  method,
  headers: {
    ...headers,
    // What is nearly all picture does not get smaller, and unpacking it would cost more than all the rest.
    'accept-encoding': 'identity',
    ...lengthOf(body),
  },
  ...(body !== undefined && { body: isStreamed(body) ? body.stream : body }),
})

/** What undici tells of one request. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #request: UpstreamRequest
  readonly #resolve: (answer: UpstreamAnswer) => void
  readonly #reject: (reason: unknown) => void
  /** Absent: it waits for a connection, and nothing of it went out. */
  #controller?: Dispatcher.DispatchController
  /** Absent: no answer has come. */
  #body?: ArrivingBody
  #hasFailed = false

  constructor(
    request: UpstreamRequest,
    resolve: (answer: UpstreamAnswer) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#request = request
    this.#resolve = resolve
    this.#reject = reject
    if (request.signal.aborted) this.#abort()
    else request.signal.addEventListener('abort', this.#abort)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    const { aborted, reason } = this.#request.signal
    // What was said not to have been sent must not be.
    if (aborted || this.#hasFailed) controller.abort(reason ?? new Error('Given up'))
    else this.#controller = controller
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (status < 200) return
    this.#body = new ArrivingBody(controller)
    const answered = { status, headers: joinedHeaders(headers) }
    const body = decodedBody(this.#body, answered.headers['content-encoding'])
    this.#resolve({ ...answered, body })
  }

  onResponseData(_controller: Dispatcher.DispatchController, bytes: Buffer): void {
    this.#body?.arrive(bytes)
  }

  onResponseEnd(): void {
    this.#leaveSignal()
    this.#body?.end()
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#leaveSignal()
    this.#fail(error)
  }

  readonly #abort = (): void => {
    const { reason } = this.#request.signal
    // A request that waits for a connection is ended when that is there, or cannot be made.
    if (this.#controller) this.#controller.abort(reason)
    else this.#fail(reason)
  }

  #fail(error: Error): void {
    this.#hasFailed = true
    const { body } = this.#request
    // Undici does so only from when it begins to send.
    if (isStreamed(body)) body.stream.on('error', () => {}).destroy()
    this.#body?.end(error)
    this.#reject(this.#controller ? error : new NotSentError(error))
  }

  #leaveSignal(): void {
    this.#request.signal.removeEventListener('abort', this.#abort)
  }
}

const isStreamed = (body: UpstreamRequest['body']): body is StreamedBody =>
  typeof body === 'object' && 'stream' in body

/** A stream without its length would be sent in chunks, which not every server of a provider takes. */
const lengthOf = (body: UpstreamRequest['body']): Record<string, string> =>
  isStreamed(body) ? { 'content-length': String(body.sizeBytes) } : {}

/** A header that came several times as one, as RFC 9110 §5.3 allows. */
const joinedHeaders = (headers: IncomingHttpHeaders): Record<string, string> => {
  const joined: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) joined[name] = typeof value === 'string' ? value : value.join(', ')
  }
  return joined
}
