import sharp from 'sharp'
import { EMULATOR_KEYS, type Emulator } from './emulator.ts'

/** An answer that was read whole. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** Parsed JSON; `undefined` when it is none. */
  readonly json: unknown
}

type Headings = Readonly<Record<string, string>>

/** One plain request, as the tests of the emulators send them. */
export const ask = async (url: string, init: RequestInit = {}): Promise<Answer> => {
  const response = await fetch(url, init)
  const text = await response.text()
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    json = undefined
  }
  return { status: response.status, headers: response.headers, text, json }
}

const post = (url: string, headers: Headings, body: unknown, signal?: AbortSignal) =>
  ask(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(signal ? { signal } : {}),
  })

/** A minimal `generateContent` body with more put into `generationConfig`. */
export const googleBody = (generationConfig: object = {}, more: object = {}) => ({
  contents: [{ role: 'user', parts: [{ text: 'A lighthouse at dusk' }] }],
  generationConfig: { responseModalities: ['IMAGE'], ...generationConfig },
  ...more,
})

/** The same with `count` equal inline images. */
export const googleEditBody = (data: string, count: number, mimeType = 'image/png') => {
  const images = Array.from({ length: count }, () => ({ inlineData: { mimeType, data } }))
  const parts = [{ text: 'Make it night' }, ...images]
  return googleBody({}, { contents: [{ role: 'user', parts }] })
}

/** A part of an answer of Google's. */
export interface GooglePart {
  readonly text?: string
  readonly thought?: boolean
  readonly inlineData?: { readonly mimeType: string; readonly data: string }
}

/** The parts of the first candidate; none when there is no candidate. */
export const googleParts = (json: unknown): readonly GooglePart[] => {
  type Shape = { candidates?: { content?: { parts: GooglePart[] } }[] }
  return (json as Shape).candidates?.[0]?.content?.parts ?? []
}

export const GOOGLE_MODEL = 'gemini-3.1-flash-image'

export const askGemini = (
  { url }: Emulator,
  body: unknown = googleBody(),
  path = `/v1beta/models/${GOOGLE_MODEL}:generateContent`,
  headers: Headings = { 'x-goog-api-key': EMULATOR_KEYS.gemini },
): Promise<Answer> => post(url + path, headers, body)

export const askVertex = (
  { url }: Emulator,
  body: unknown = googleBody(),
  path = `/v1beta1/publishers/google/models/${GOOGLE_MODEL}:generateContent`,
  headers: Headings = { 'x-goog-api-key': EMULATOR_KEYS.vertex },
): Promise<Answer> => post(url + path, headers, body)

/** An event stream as far as it came. */
export interface StreamSeen {
  readonly status: number
  /** Parsed `data` of each event, or the text of what is none, with the ms since the request. */
  readonly chunks: readonly { readonly json: unknown; readonly afterMs: number }[]
  /** How it ended: `complete`, or as `failureOf` tells. */
  readonly end: string
}

/** Reads a stream to its end, each event at its time. */
export const readStream = async (url: string, init: RequestInit): Promise<StreamSeen> => {
  const startedAtMs = performance.now()
  const response = await fetch(url, init)
  const chunks: { json: unknown; afterMs: number }[] = []
  const take = (text: string): void => {
    const afterMs = performance.now() - startedAtMs
    chunks.push({ json: parsedOrText(text.replace(/^data: /, '')), afterMs })
  }
  let rest = ''
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder()
    for await (const bytes of response.body ?? []) {
      const events = (rest + decoder.decode(bytes, { stream: true })).split('\r\n\r\n')
      rest = events.pop() ?? ''
      for (const event of events) take(event)
    }
    if (rest !== '') take(rest)
  }
  const failure = await failureOf(read())
  return { status: response.status, chunks, end: failure === 'answered' ? 'complete' : failure }
}

const parsedOrText = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** `streamGenerateContent` as events, of either surface. */
export const streamGoogle = (
  { id, url }: Emulator,
  body: unknown = googleBody(),
  signal?: AbortSignal,
): Promise<StreamSeen> => {
  const path = id === 'vertex' ? '/v1beta1/publishers/google/models' : '/v1beta/models'
  return readStream(`${url}${path}/${GOOGLE_MODEL}:streamGenerateContent?alt=sse`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-goog-api-key': EMULATOR_KEYS[id] },
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  })
}

const FAL_AUTH = { authorization: `Key ${EMULATOR_KEYS.fal}` }

/** URLs of a queued fal job. */
export interface FalQueued {
  readonly request_id: string
  readonly status_url: string
  readonly response_url: string
  readonly cancel_url: string
}

export const submitFal = (
  { url }: Emulator,
  input: unknown = { prompt: 'A lighthouse at dusk' },
  endpoint = 'fal-ai/nano-banana-2',
  headers: Headings = {},
): Promise<Answer> => post(`${url}/${endpoint}`, { ...FAL_AUTH, ...headers }, input)

export const askFal = (url: string, method = 'GET'): Promise<Answer> =>
  ask(url, { method, headers: FAL_AUTH })

/** Submits and reads the result at once; for jobs without latency. */
export const runFal = async (
  emulator: Emulator,
  input?: unknown,
  endpoint?: string,
  headers?: Headings,
): Promise<Answer> => {
  const { json } = await submitFal(emulator, input, endpoint, headers)
  return askFal((json as FalQueued).response_url)
}

const REPLICATE_AUTH = { authorization: `Bearer ${EMULATOR_KEYS.replicate}` }

export const createPrediction = (
  { url }: Emulator,
  input: unknown = { prompt: 'A lighthouse at dusk' },
  headers: Headings = { prefer: 'wait' },
  model = 'google/nano-banana-2',
): Promise<Answer> =>
  post(`${url}/v1/models/${model}/predictions`, { ...REPLICATE_AUTH, ...headers }, { input })

export const askReplicate = (
  { url }: Emulator,
  path: string,
  method = 'GET',
  body?: FormData,
): Promise<Answer> =>
  ask(url + path, { method, headers: REPLICATE_AUTH, ...(body ? { body } : {}) })

/** A real PNG of one colour. */
export const plainPng = (width = 64, height = 48): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background: '#357' } })
    .png()
    .toBuffer()

export const dataUri = (bytes: Buffer, mediaType = 'image/png'): string =>
  `data:${mediaType};base64,${bytes.toString('base64')}`

/** Format and size by the bytes themselves. */
export const inspect = async (bytes: Buffer) => {
  await sharp(bytes).stats()
  const { format, width, height } = await sharp(bytes).metadata()
  return { format, width, height }
}

/** The code that undici gives a broken connection, or `aborted` and the like. */
export const failureOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise
    return 'answered'
  } catch (error) {
    const { cause, name } = error as Error & { cause?: { code?: string } }
    return cause?.code ?? name
  }
}
