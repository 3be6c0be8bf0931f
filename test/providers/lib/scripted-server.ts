import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as it arrived. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Parsed JSON, else the text. */
  readonly body: unknown
  /** The body as it came. */
  readonly bytes: Buffer
}

/** How the next request is answered: with JSON, or in whatever way the function does it. */
export type ScriptedReply =
  | { readonly status?: number; readonly headers?: Record<string, string>; readonly json: unknown }
  | ((request: IncomingMessage, response: ServerResponse) => void)

export interface ScriptedServer {
  /** Origin, such as `http://127.0.0.1:40123`. */
  readonly url: string
  readonly seen: readonly SeenRequest[]
  close(): Promise<void>
}

/** A server on the loopback that answers by a list, the last entry for all further requests, and keeps what it saw. */
export const startScriptedServer = async (
  replies: readonly ScriptedReply[],
): Promise<ScriptedServer> => {
  const seen: SeenRequest[] = []
  const server = createServer(async (request, response) => {
    const reply = replies[Math.min(seen.length, replies.length - 1)]
    const number = seen.push(await readRequest(request))
    if (typeof reply === 'function') reply(request, response)
    else sendJson(response, reply ?? { status: 500, json: { unscripted: number } })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

const readRequest = async (request: IncomingMessage): Promise<SeenRequest> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    headers: Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    ),
    body: parsed(bytes.toString('utf8')),
    bytes,
  }
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const sendJson = (
  response: ServerResponse,
  reply: Exclude<ScriptedReply, (...parameters: never[]) => void>,
): void => {
  response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers })
  response.end(JSON.stringify(reply.json))
}

/** Milliseconds between two pieces of a stream, so that they arrive as two. */
const BETWEEN_PIECES_MS = 30

/** Sends the texts one after another as an event stream. */
export const eventStream =
  (texts: readonly string[]): ScriptedReply =>
  async (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const text of texts) {
      response.write(text)
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_PIECES_MS))
    }
    response.end()
  }

/** Ends the connection before any byte of an answer. */
export const resetBeforeAnswer: ScriptedReply = (request) => {
  request.socket.resetAndDestroy()
}

/** Sends half of an answer, then ends the connection. */
export const resetInsideAnswer: ScriptedReply = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
  response.write('{"id":"half', () => response.destroy())
}

/** Never answers. */
export const neverAnswer: ScriptedReply = () => {}
