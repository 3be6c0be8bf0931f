import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CallLog } from './call-log.ts'
import type { RecordedCall } from './emulator.ts'
import type { Route, WireReply, WireRequest } from './wire.ts'
import { deliver } from './wire-delivery.ts'

export interface WireServerOptions {
  readonly host: string
  /** 0: the system chooses one. */
  readonly port: number
  readonly routes: readonly Route[]
  readonly log: CallLog
  /** Real ms between two pieces of a slow answer, at the moment of asking. */
  dripIntervalMs(): number
  /** Answers what no route matches. */
  notFound(request: WireRequest): WireReply
}

export interface WireServer {
  /** The port that it listens on. */
  readonly port: number
  close(): Promise<void>
}

const readBody = async (incoming: IncomingMessage): Promise<Buffer> => {
  const pieces: Buffer[] = []
  for await (const piece of incoming) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

const parseJson = (bytes: Buffer): unknown => {
  if (bytes.length === 0) return undefined
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}

const flattenHeaders = (incoming: IncomingMessage): Record<string, string> => {
  const entries = Object.entries(incoming.headersDistinct)
  return Object.fromEntries(entries.map(([name, values]) => [name, (values ?? []).join(', ')]))
}

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const matchRoute = (routes: readonly Route[], method: string, path: string) => {
  for (const route of routes) {
    const match = route.method === method ? route.pattern.exec(path) : null
    if (!match) continue
    const groups = Object.entries(match.groups ?? {}).filter(([, value]) => value !== undefined)
    const parameters = Object.fromEntries(groups.map(([name, value]) => [name, decode(value)]))
    return { route, parameters }
  }
  return undefined
}

/** One for all: making a DOMException with its stack for each request was seen in profiles. */
const GONE = new Error('the connection is closed')

/** Closing the emulator destroys the connections, and so ends whatever waits on this signal too. */
const abortWhenGone = (response: ServerResponse): AbortSignal => {
  const left = new AbortController()
  response.on('close', () => left.abort(GONE))
  return left.signal
}

/** A plain HTTP server that records every request and whose answers may misbehave on the wire. */
export const startWireServer = async (options: WireServerOptions): Promise<WireServer> => {
  let isClosing = false

  const receive = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const signal = abortWhenGone(response)
    const bytes = await readBody(incoming)
    const target = new URL(incoming.url ?? '/', 'http://emulator')
    const method = incoming.method ?? 'GET'
    const found = matchRoute(options.routes, method, target.pathname)
    const json = parseJson(bytes)
    const call: RecordedCall = {
      kind: found?.route.kind ?? 'other',
      method,
      path: incoming.url ?? '/',
      headers: flattenHeaders(incoming),
      body: json,
      at: Date.now(),
    }
    options.log.record(call, bytes.length)
    const { pathname: path, searchParams: query } = target
    const { headers } = call
    const parameters = found?.parameters ?? {}
    const request = { method, path, query, headers, bytes, json, parameters, call, signal }
    const reply = await (found ? found.route.handle(request) : options.notFound(request))
    const isAnswered = reply.delivery !== 'never' && reply.delivery !== 'reset_before'
    if (isAnswered) call.status = reply.status
    await deliver(response, reply, { signal, dripIntervalMs: options.dripIntervalMs() })
  }

  const server = createServer((incoming, response) => {
    receive(incoming, response).catch((error: unknown) => {
      // A caller that left is no fault of the emulator; anything else must be seen by whoever runs the tests.
      if (!response.destroyed && !isClosing) {
        console.error('emulator failed on', incoming.method, incoming.url, error)
      }
      response.destroy()
    })
  })
  server.keepAliveTimeout = 60_000
  // Requests are answered as late as a scenario says; nothing is cut off from this side.
  server.requestTimeout = 0
  server.headersTimeout = 0
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, 4096, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      isClosing = true
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}
