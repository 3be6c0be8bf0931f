import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serveCalls } from './child-calls.ts'
import { drawPicture, type PictureSize } from './noise-picture.ts'

/*
 * What all sides are measured in front of, in a process of its own: Gemini's generateContent, fal's queue with its
 * file host, and OpenAI's images, each with an answer that lies ready. It looks at nothing but the path. The emulators
 * check, draw and record, which costs more than what is to be measured.
 */

interface Canned {
  readonly picture: Buffer
  readonly gemini: Buffer
  readonly openai: Buffer
}

/** How the upstream is to behave from now on. */
export interface UpstreamSetting {
  readonly size: PictureSize
  /** Whether creating requests are left waiting until this is false again. */
  readonly isHeld: boolean
}

/** What came so far. */
export interface UpstreamCounts {
  /** Creating requests that are waiting for an answer. */
  readonly waiting: number
  /** Bytes of request bodies, in all. */
  readonly bodyBytes: number
}

const JOB = 'b3f0c2de-6a59-4c9e-9c0b-1f6c7d3a5e21'
const JSON_TYPE = 'application/json'
const FAL_APPLICATION = '/fal-ai/nano-banana-2'

const canned = new Map<PictureSize, Canned>()
const held: (() => void)[] = []
let setting: UpstreamSetting = { size: 'tiny', isHeld: false }
let waiting = 0
let bodyBytes = 0

const wrap = (head: string, picture: Buffer, tail: string): Buffer =>
  Buffer.concat([
    Buffer.from(head),
    Buffer.from(picture.toString('base64'), 'latin1'),
    Buffer.from(tail),
  ])

/** As the emulators answer, byte for byte but for the picture. */
const can = async (size: PictureSize): Promise<Canned> => {
  const picture = await drawPicture(size)
  const [gemini, openai] = [
    wrap(
      '{"candidates":[{"content":{"role":"model","parts":[{"inlineData":{"mimeType":"image/png","data":"',
      picture,
      '"},"thoughtSignature":"c2lnbmF0dXJl"}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":1120,"totalTokenCount":1221,"promptTokensDetails":[{"modality":"TEXT","tokenCount":5}],"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":1120}],"thoughtsTokenCount":96},"modelVersion":"gemini-3.1-flash-image","responseId":"benchresponseid0000000"}',
    ),
    wrap(
      '{"created":1795000000,"data":[{"b64_json":"',
      picture,
      '"}],"usage":{"input_tokens":5,"output_tokens":1120,"total_tokens":1125}}',
    ),
  ]
  return { picture, gemini, openai }
}

const send = (response: ServerResponse, type: string, body: Buffer | string): void => {
  response.writeHead(200, { 'content-type': type, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

const whenAllowed = (answer: () => void): void => {
  if (!setting.isHeld) {
    answer()
    return
  }
  waiting += 1
  held.push(answer)
}

const release = (): void => {
  for (const answer of held.splice(0)) answer()
  waiting = 0
}

const falStatus = (jobId: string, urls: object): object => ({
  status: 'COMPLETED',
  request_id: jobId,
  ...urls,
  metrics: { inference_time: 1 },
})

/** The size of a fal job's picture stands in the job's id, as the setting may have changed since. */
const falAnswer = (path: string, origin: string): object => {
  const jobId = /\/requests\/([^/]+)/.exec(path)?.[1] ?? `${JOB}-${setting.size}`
  const base = `${origin}${FAL_APPLICATION}/requests/${jobId}`
  const urls = { response_url: base, status_url: `${base}/status`, cancel_url: `${base}/cancel` }
  if (path.endsWith('/status')) return falStatus(jobId, urls)
  if (!path.includes('/requests/')) {
    return { status: 'IN_QUEUE', request_id: jobId, ...urls, queue_position: 0 }
  }
  const url = `${origin}/files/${jobId.slice(JOB.length + 1)}.png`
  return { images: [{ url, content_type: 'image/png' }], description: '' }
}

const cannedFor = (size: PictureSize): Canned => canned.get(size) as Canned

const answer = ({ url = '', headers }: IncomingMessage, response: ServerResponse): void => {
  const path = url.split('?')[0] ?? ''
  const file = /^\/files\/(\w+)/.exec(path)?.[1]
  if (file !== undefined) {
    send(response, 'image/png', cannedFor(file as PictureSize).picture)
  } else if (path.startsWith(FAL_APPLICATION)) {
    send(response, JSON_TYPE, JSON.stringify(falAnswer(path, `http://${headers.host}`)))
  } else {
    const { gemini, openai } = cannedFor(setting.size)
    send(response, JSON_TYPE, path.includes(':generateContent') ? gemini : openai)
  }
}

const server = createServer((request, response) => {
  request.on('data', (chunk: Buffer) => {
    bodyBytes += chunk.length
  })
  request.on('end', () => {
    if (request.method === 'POST') whenAllowed(() => answer(request, response))
    else answer(request, response)
  })
})
// Nobody is to lose a kept connection between two rounds.
server.keepAliveTimeout = 600_000
server.requestTimeout = 0

const handlers = {
  /** Listens, with answers of these sizes at hand; the port. */
  start: async (sizes: readonly PictureSize[]): Promise<number> => {
    for (const size of sizes) canned.set(size, await can(size))
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', 4_096, resolve)
    })
    return (server.address() as AddressInfo).port
  },
  set: (wanted: UpstreamSetting): void => {
    setting = wanted
    if (!wanted.isHeld) release()
  },
  counts: (): UpstreamCounts => ({ waiting, bodyBytes }),
}

export type UpstreamHandlers = typeof handlers

serveCalls(handlers)
