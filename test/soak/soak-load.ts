import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, FormData, fetch, type RequestInit } from 'undici'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { EDITS, GENERATIONS, TEST_KEY } from '#test/helpers/start-test-gateway.ts'
import { IMAGE_BYTES } from './soak-picture.ts'

/** What one request of the soak is like. */
type Kind =
  | 'url'
  | 'b64'
  | 'converted'
  | 'edit'
  | 'left'
  | 'hurried'
  | 'repeated'
  | 'later'
  | 'streamed'
  | 'wrong'

/** One after another, over and over. */
const KINDS: readonly Kind[] = [
  ...(['url', 'b64', 'edit', 'url', 'left', 'b64', 'repeated', 'url', 'hurried', 'b64'] as const),
  ...([
    'later',
    'url',
    'edit',
    'b64',
    'converted',
    'url',
    'streamed',
    'left',
    'b64',
    'wrong',
  ] as const),
]

/** Statuses that are no failure of the gateway's, by kind; all others end the soak as failed. */
const EXPECTED = [200, 202, 400, 429, 502, 504]

/** How requests ended, by `kind status`. */
export type Tally = Map<string, number>

export interface SoakLoad {
  readonly tally: Tally
  /** Answers that should not have been, as text. */
  readonly surprises: readonly string[]
  /** Sends so many requests, so many at a time; resolves when all are answered. */
  run(requests: number, inFlight: number): Promise<void>
  /** Ends its connections. */
  close(): Promise<void>
}

/** Deadline of a request that is too short for most providers, in real ms. */
const HURRY_MS = 150

export const createSoakLoad = (url: string, picture: Buffer): SoakLoad => {
  const dispatcher = new Agent()
  const tally: Tally = new Map()
  const surprises: string[] = []
  let begun = 0

  const count = (kind: Kind, outcome: number | string): void => {
    const name = `${kind} ${outcome}`
    tally.set(name, (tally.get(name) ?? 0) + 1)
  }

  const send = (path: string, init: RequestInit): ReturnType<typeof fetch> => {
    const headers = { authorization: `Bearer ${TEST_KEY}`, ...(init.headers as object) }
    return fetch(url + path, { dispatcher, ...init, headers })
  }

  const generate = (part: object, headers: Record<string, string> = {}, signal?: AbortSignal) =>
    send(GENERATIONS, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model: FIRST_MODEL, prompt: `soak ${begun % 40}`, ...part }),
      ...(signal && { signal }),
    })

  const edit = (): ReturnType<typeof fetch> => {
    const form = new FormData()
    form.set('model', FIRST_MODEL)
    form.set('prompt', 'soak')
    form.set('response_format', begun % 2 === 0 ? 'url' : 'b64_json')
    form.append('image', new Blob([new Uint8Array(picture)], { type: 'image/png' }), 'a.png')
    return send(EDITS, { method: 'POST', body: form })
  }

  /** A client that leaves while its image is made, or while it is being read. */
  const leave = async (number: number): Promise<void> => {
    const leaving = AbortSignal.timeout(20 + ((number * 97) % 700))
    const answer = await generate({ response_format: 'b64_json' }, {}, leaving)
    await answer.arrayBuffer()
  }

  const requestOf = (kind: Kind, number: number): ReturnType<typeof fetch> => {
    switch (kind) {
      case 'b64':
        return generate({ response_format: 'b64_json' })
      case 'converted':
        return generate({ output_format: 'webp' })
      case 'edit':
        return edit()
      case 'hurried':
        return generate({}, { 'x-gateway-timeout-ms': String(HURRY_MS) })
      case 'repeated':
        // Three requests for each key, the first two at the same time.
        return generate(
          { prompt: 'again' },
          { 'idempotency-key': `again-${Math.floor(number / 60)}` },
        )
      case 'later':
        return generate({}, { prefer: 'respond-async' })
      case 'streamed':
        return generate({ stream: true, partial_images: 1 })
      case 'wrong':
        return generate({ n: 99 })
      default:
        return generate({})
    }
  }

  const readImages = async (body: unknown): Promise<void> => {
    const { data = [] } = body as { data?: readonly { url?: string; b64_json?: string }[] }
    for (const { url: imageUrl, b64_json: base64 } of data) {
      const bytes = imageUrl
        ? (await (await fetch(imageUrl, { dispatcher })).arrayBuffer()).byteLength
        : Math.floor(((base64?.length ?? 0) * 3) / 4)
      if (bytes < 1_000 || bytes > 2 * IMAGE_BYTES) surprises.push(`an image of ${bytes} bytes`)
    }
  }

  const serve = async (kind: Kind, number: number): Promise<void> => {
    if (kind === 'left') {
      await leave(number).then(
        () => count(kind, 'answered'),
        () => count(kind, 'gone'),
      )
      return
    }
    const answer = await requestOf(kind, number)
    count(kind, answer.status)
    const text = await answer.text()
    if (!EXPECTED.includes(answer.status)) surprises.push(`${kind} ${answer.status} ${text}`)
    else if (answer.status === 200 && kind !== 'streamed') await readImages(JSON.parse(text))
  }

  const work = async (last: number): Promise<void> => {
    while (begun < last) {
      const number = begun
      begun += 1
      const kind = KINDS[number % KINDS.length] ?? 'url'
      await serve(kind, number).catch((error: unknown) => {
        surprises.push(`${kind}: ${error instanceof Error ? error.message : 'thrown'}`)
      })
    }
  }

  return {
    tally,
    surprises,
    run: async (requests, inFlight) => {
      const last = begun + requests
      await Promise.all(Array.from({ length: inFlight }, () => work(last)))
      // Clients that left are noticed, and what was taken on ends.
      await sleep(500)
    },
    close: () => dispatcher.destroy(),
  }
}
