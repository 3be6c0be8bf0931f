import { Agent, type Dispatcher } from 'undici'
import type { SendUpstream, UpstreamAnswer, UpstreamRequest } from '#src/domain/provider-adapter.ts'
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

const send = async (
  agent: Agent,
  { method, url, headers, body, signal }: UpstreamRequest,
): Promise<UpstreamAnswer> => {
  const answer = await agent.request({
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method,
    headers: {
      ...headers,
      // What is nearly all picture does not get smaller, and unpacking it would cost more than all the rest.
      'accept-encoding': 'identity',
      ...lengthOf(body),
    },
    ...(body !== undefined && { body: bytesOf(body) }),
    signal,
  })
  // Destroying a body that nobody reads is reported as its error, which nobody waits for.
  answer.body.on('error', () => {})
  const answered = { status: answer.statusCode, headers: joinedHeaders(answer.headers) }
  return { ...answered, body: decodedBody(answer.body, answered.headers['content-encoding']) }
}

const bytesOf = (body: NonNullable<UpstreamRequest['body']>) =>
  typeof body === 'object' && 'stream' in body ? body.stream : body

/** Without it a stream is sent in chunks, which not every server of a provider takes. */
const lengthOf = (body: UpstreamRequest['body']): Record<string, string> =>
  typeof body === 'object' && 'stream' in body ? { 'content-length': String(body.sizeBytes) } : {}

/** A header that came several times as one, as RFC 9110 §5.3 allows. */
const joinedHeaders = (headers: Dispatcher.ResponseData['headers']): Record<string, string> => {
  const joined: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) joined[name] = typeof value === 'string' ? value : value.join(', ')
  }
  return joined
}
