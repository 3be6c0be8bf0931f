import { FIRST_MODEL } from '#test/helpers/models.ts'
import { rawRequest } from '#test/helpers/raw-request.ts'
import { EDITS, GENERATIONS, type TestGateway } from '#test/helpers/start-test-gateway.ts'
import { HOSTILE_ANSWERS, type HostileUpstream } from './hostile-upstream.ts'
import { PLANTED } from './planted-values.ts'

/** Something that the gateway let out, to be searched. */
export interface Trace {
  readonly of: string
  readonly text: string
}

/** All answers of a run. */
export interface AnswerTraces {
  readonly traces: readonly Trace[]
  /** Answers by status. */
  readonly statuses: Readonly<Record<number, number>>
  /** Images that were answered, as their bytes. */
  readonly images: readonly Buffer[]
  /** Signatures of media URLs that were answered. */
  readonly signatures: readonly string[]
  readonly mediaUrls: readonly string[]
  /** Requests that were answered with 202. */
  readonly acceptedIds: readonly string[]
}

export interface AnswerBook {
  /** Sends a request, with the gateway’s key unless a header says otherwise, and keeps what came back. */
  ask(gateway: TestGateway, path: string, request?: RequestInit): Promise<void>
  add(trace: Trace): void
  read(): AnswerTraces
}

/** What is left of an answer once the images that were asked for are taken out. */
const withoutImages = (body: string): string =>
  body.replaceAll(/"(b64_json|url)":"[^"]*"/g, '"$1":""')

/** Keeps the answers of a run: headers always, bodies without the images that they are there to bring. */
export const createAnswerBook = (): AnswerBook => {
  const traces: Trace[] = []
  const statuses: Record<number, number> = {}
  const images: Buffer[] = []
  const mediaUrls: string[] = []
  const acceptedIds: string[] = []
  const keep = async (of: string, response: Response): Promise<void> => {
    statuses[response.status] = (statuses[response.status] ?? 0) + 1
    traces.push({ of: `headers of ${of}`, text: JSON.stringify([...response.headers]) })
    if (response.headers.get('content-type')?.startsWith('image/')) return
    const body = await response.text()
    for (const [, base64 = ''] of body.matchAll(/"b64_json":"([^"]+)"/g)) {
      images.push(Buffer.from(base64, 'base64'))
    }
    for (const [url] of body.matchAll(/http[^"]+\/v1\/media\/[^"]+/g)) mediaUrls.push(url)
    if (response.status === 202) acceptedIds.push((JSON.parse(body) as { id: string }).id)
    traces.push({ of: `body of ${of}`, text: withoutImages(body) })
  }
  return {
    ask: async (gateway, path, { headers, ...request } = {}) => {
      const all = { authorization: `Bearer ${PLANTED.gatewayKey}`, ...headers }
      const response = await fetch(new URL(path, gateway.url), { ...request, headers: all })
      const [pathname] = path.replace(gateway.url, '').split('?')
      await keep(`${request.method ?? 'GET'} ${pathname} (${response.status})`, response)
    },
    add: (trace) => {
      traces.push(trace)
    },
    read: () => ({
      traces,
      statuses,
      images,
      signatures: mediaUrls.map((url) => new URL(url).searchParams.get('signature') ?? ''),
      mediaUrls,
      acceptedIds,
    }),
  }
}

/** What the run sends. */
export interface Senders {
  readonly book: AnswerBook
  readonly gateway: TestGateway
  readonly picture: Buffer
  readonly hookUrl: string
}

const JSON_TYPE = { 'content-type': 'application/json' }

const postJson = (
  { book, gateway }: Pick<Senders, 'book' | 'gateway'>,
  path: string,
  part: object,
  headers: Record<string, string> = {},
): Promise<void> =>
  book.ask(gateway, path, {
    method: 'POST',
    headers: { ...JSON_TYPE, ...headers },
    body: JSON.stringify({ model: FIRST_MODEL, prompt: PLANTED.prompt, ...part }),
  })

/** Generations, edits, streams and requests answered later, which all succeed. */
export const askForImages = async (senders: Senders): Promise<void> => {
  const { book, gateway, picture, hookUrl } = senders
  const ask = (part: object, headers = {}) => postJson(senders, GENERATIONS, part, headers)
  const edit = (part: object) => postJson(senders, EDITS, part)
  const uri = `data:image/png;base64,${picture.toString('base64')}`
  for (const provider of ['gemini', 'vertex', 'fal', 'replicate']) {
    const model = `${provider}/${FIRST_MODEL}`
    await ask({ model, n: 2, output_format: 'webp', response_format: 'b64_json' })
    await ask({ model, response_format: 'url', user: 'user-7' })
    await ask({ model, stream: true })
    await ask({ model }, { 'idempotency-key': `once-${provider}` })
    await ask({ model, webhook_url: hookUrl }, { prefer: 'respond-async' })
    await edit({ model, images: [{ image_url: uri }], response_format: 'b64_json' })
    const form = new FormData()
    form.set('model', model)
    form.set('prompt', PLANTED.prompt)
    form.set('image', new Blob([new Uint8Array(picture)]), `${PLANTED.prompt}.png`)
    await book.ask(gateway, EDITS, { method: 'POST', body: form })
  }
  await ask({ dry_run: true })
  await book.ask(gateway, '/v1/models')
}

/** Requests that nothing is generated for: each is wrong in its own way. */
export const askWrongly = async (senders: Senders): Promise<void> => {
  const { book, gateway, picture } = senders
  const { prompt, wrongKey, inputUrl } = PLANTED
  const ask = (part: object, headers = {}) => postJson(senders, GENERATIONS, part, headers)
  const edit = (part: object) => postJson(senders, EDITS, part)
  const send = (body: string, headers = JSON_TYPE) =>
    book.ask(gateway, GENERATIONS, { method: 'POST', headers, body })
  await ask({ n: 99 })
  await ask({ size: 'nonsense' })
  await ask({ prompt: [prompt] })
  await ask({ prompt: { text: prompt } })
  await ask({ prompt: prompt.repeat(5_000) })
  await ask({ messages: [{ role: 'user', content: prompt }], strict: true })
  await ask({}, { authorization: `Bearer ${wrongKey}` })
  await ask({}, { authorization: `Basic ${wrongKey}` })
  await ask({}, { prefer: 'respond-async', 'idempotency-key': ' ' })
  await ask({ webhook_url: `http://127.0.0.1:9/${inputUrl}` }, { prefer: 'respond-async' })
  await send(`{"prompt":"${prompt}`)
  await send(`"${prompt}"`)
  await send(`prompt=${prompt}`, { 'content-type': 'text/plain' })
  await send(`prompt=${prompt}`, { 'content-type': 'multipart/form-data; boundary=x' })
  await edit({ images: [{ image_url: `https://127.0.0.1:9/${inputUrl}.png` }] })
  await edit({ images: [{ image_url: `https://user:${inputUrl}@127.0.0.1/a.png` }] })
  await edit({ images: [{ image_url: `data:image/png;base64,${picture.toString('base64url')}` }] })
  const half = picture.subarray(0, picture.length / 2).toString('base64')
  await edit({ images: [{ image_url: `data:image/png;base64,${half}` }] })
  await edit({ image: picture.toString('base64') })
  await book.ask(gateway, '/metrics')
  await book.ask(gateway, '/v1/keys')
  await book.ask(gateway, '/v1/media/..%2F.signing-key?expires=1&signature=x')
  const text = await rawRequest(Number(new URL(gateway.url).port), `${prompt} \r\n\r\n`)
  book.add({ of: 'the answer to no HTTP', text })
}

/** Lets each emulated provider fail in each way that all of them have. */
export const failProviders = async (senders: Senders): Promise<void> => {
  const { gemini, vertex, fal, replicate } = senders.gateway.emulators
  const faults = [
    ...(['refusal', 'bad_key', 'unavailable'] as const),
    ...(['malformed_body', 'reset_before_answer'] as const),
  ]
  for (const always of faults) {
    for (const emulator of [gemini, vertex, fal, replicate]) {
      emulator.setScenario({ always })
      const model = `${emulator.id}/${FIRST_MODEL}`
      await postJson(senders, GENERATIONS, { model })
      await postJson(senders, GENERATIONS, { model, stream: true })
    }
  }
  const later = { prefer: 'respond-async' }
  await postJson(senders, GENERATIONS, { webhook_url: senders.hookUrl }, later)
}

/** Asks each provider behind the gateway, of which all are the hostile upstream, once for each of its answers. */
export const askHostile = async (senders: Senders, hostile: HostileUpstream): Promise<void> => {
  const uri = `data:image/png;base64,${senders.picture.toString('base64')}`
  for (const answer of HOSTILE_ANSWERS) {
    hostile.answerWith(answer)
    for (const provider of ['gemini', 'vertex', 'fal', 'replicate']) {
      const model = `${provider}/${FIRST_MODEL}`
      await postJson(senders, GENERATIONS, { model })
      await postJson(senders, EDITS, { model, images: [{ image_url: uri }] })
    }
    await postJson(senders, GENERATIONS, { stream: true })
  }
}
