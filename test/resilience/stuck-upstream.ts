import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Where a provider gets stuck. */
export const STEPS = ['create', 'poll', 'result', 'file'] as const
export type Step = (typeof STEPS)[number]

/** How: it never answers; sends its headers and nothing else; or a byte each second, for ever. */
export const WAYS = ['silent', 'headers', 'drip'] as const
export type Way = (typeof WAYS)[number]

/** A prompt that tells the stand-in where and how to get stuck over it. */
export const stuckPrompt = (step: Step, way: Way): string => `stuck-at-${step}-${way}-`

const PROMPT = /stuck-at-(\w+?)-(\w+?)-/

interface Fate {
  readonly step: Step
  readonly way: Way
}

/** Stands before one emulated provider and gets stuck as prompts say. */
export interface StuckUpstream {
  /** Origin, in the place of the emulator's. */
  readonly url: string
  /** Answers that it has begun, or should, and that nobody has hung up on. */
  open(): number
  /** How often it got stuck. */
  count(): number
  close(): Promise<void>
}

const stepOf = ({ method = '', url = '' }: IncomingMessage): Step | undefined => {
  if (url.includes('/files/')) return 'file'
  if (method === 'POST') return 'create'
  if (method !== 'GET') return undefined
  const isResult = url.includes('/requests/') && !url.includes('/status')
  return isResult ? 'result' : 'poll'
}

/** What a call is about: the id of a job or of a file, which stands in its path. */
const IDS = /(?:requests|predictions|files)\/([\w-]+)/

const DRIP_MS = 1_000

const getStuck = (response: ServerResponse, way: Way): void => {
  if (way === 'silent') return
  response.writeHead(200, { 'content-type': 'application/json' })
  response.flushHeaders()
  if (way === 'headers') return
  response.write(' ')
  const dripping = setInterval(() => response.write(' '), DRIP_MS)
  response.once('close', () => clearInterval(dripping))
}

const readAll = async (incoming: IncomingMessage): Promise<Buffer> => {
  const pieces: Buffer[] = []
  for await (const piece of incoming) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

/** Starts one before the emulator at that origin. */
export const startStuckUpstream = async (origin: string): Promise<StuckUpstream> => {
  const fates = new Map<string, Fate>()
  const stuck = new Set<ServerResponse>()
  let [url, count] = ['', 0]

  const fateOf = (incoming: IncomingMessage, body: Buffer): Fate | undefined => {
    const [, step, way] = PROMPT.exec(body.toString()) ?? []
    if (step !== undefined) return { step: step as Step, way: way as Way }
    return fates.get(IDS.exec(incoming.url ?? '')?.[1] ?? '')
  }

  /** The answer's jobs and files share the fate of what was asked for. */
  const forward = async (
    incoming: IncomingMessage,
    body: Buffer,
    response: ServerResponse,
    fate: Fate | undefined,
  ): Promise<void> => {
    const { method = 'GET', url: path = '/', headers } = incoming
    const { host: _, connection: __, 'content-length': ___, ...rest } = headers
    const answer = await fetch(origin + path, {
      method,
      headers: Object.entries(rest).map(
        ([name, value]) => [name, String(value)] as [string, string],
      ),
      ...(body.length > 0 && { body: new Uint8Array(body) }),
    })
    const bytes = Buffer.from(await answer.arrayBuffer())
    const type = answer.headers.get('content-type') ?? 'application/json'
    const isText = type.includes('json')
    const text = isText ? bytes.toString().replaceAll(origin, url) : ''
    const id = isText && fate ? (JSON.parse(text).request_id ?? JSON.parse(text).id) : undefined
    if (id && fate) fates.set(id, fate)
    for (const [, file = ''] of text.matchAll(/files\/([\w-]+)/g)) if (fate) fates.set(file, fate)
    response.writeHead(answer.status, { 'content-type': type })
    response.end(isText ? text : bytes)
  }

  const receive = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readAll(incoming)
    const fate = fateOf(incoming, body)
    if (!fate || fate.step !== stepOf(incoming)) return forward(incoming, body, response, fate)
    count += 1
    stuck.add(response)
    response.once('close', () => stuck.delete(response))
    getStuck(response, fate.way)
  }

  const server = createServer((incoming, response) => {
    receive(incoming, response).catch(() => response.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    open: () => stuck.size,
    count: () => count,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
