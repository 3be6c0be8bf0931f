import OpenAI from 'openai'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { makePicture } from '#test/helpers/pictures.ts'
import {
  EDITS,
  GENERATIONS,
  startTestGateway,
  TEST_KEY,
  type TestGateway,
} from '#test/helpers/start-test-gateway.ts'

let gateway: TestGateway

beforeEach(async () => {
  gateway = await startTestGateway()
})
afterEach(() => gateway.close())

const BODY = { model: FIRST_MODEL, prompt: 'a lighthouse' }

const open = (part: object = {}, headers: Record<string, string> = {}, signal?: AbortSignal) =>
  fetch(gateway.url + GENERATIONS, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${TEST_KEY}`,
      ...headers,
    },
    body: JSON.stringify({ ...BODY, stream: true, ...part }),
    ...(signal && { signal }),
  })

interface SentEvent {
  readonly name: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read events of several shapes and assert what they read.
  readonly data: any
}

const readEvents = async (response: Response): Promise<SentEvent[]> =>
  (await response.text())
    .split('\n\n')
    .filter((block) => block.startsWith('event:'))
    .map((block) => {
      const [name = '', data = ''] = block.split('\n').map((line) => line.replace(/^\w+: /, ''))
      return { name, data: JSON.parse(data) }
    })

const isPng = (base64: string): boolean =>
  Buffer.from(base64, 'base64').subarray(1, 4).toString() === 'PNG'

describe('a generation with stream: true', () => {
  it('is an event of the completed image, with what the whole answer tells', async () => {
    const response = await open()
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const [event, ...others] = await readEvents(response)
    expect(others).toEqual([])
    expect(event?.name).toBe('image_generation.completed')
    expect(event?.data).toEqual({
      type: 'image_generation.completed',
      b64_json: expect.toSatisfy(isPng),
      created_at: expect.any(Number),
      size: '1024x1024',
      quality: 'auto',
      background: 'auto',
      output_format: 'png',
      usage: expect.objectContaining({ total_tokens: expect.any(Number) }),
      id: response.headers.get('x-request-id'),
      metadata: expect.objectContaining({ provider: 'gemini', partial: false }),
    })
    expect(gateway.emulators.gemini.calls[0]?.path).toContain(':streamGenerateContent')
  })

  it('shows drafts before the image, at most as many as were asked for', async () => {
    const part = { partial_images: 1, thinking_level: 'high', provider: { only: ['gemini'] } }
    const events = await readEvents(await open(part))
    expect(events.map(({ name, data }) => [name, data.partial_image_index])).toEqual([
      ['image_generation.partial_image', 0],
      ['image_generation.completed', undefined],
    ])
    expect(events[0]?.data).toEqual({
      type: 'image_generation.partial_image',
      b64_json: expect.toSatisfy(isPng),
      created_at: expect.any(Number),
      size: expect.stringMatching(/^\d+x\d+$/),
      quality: 'auto',
      background: 'auto',
      output_format: 'png',
      partial_image_index: 0,
    })
    expect(gateway.creates()).toBe(1)
  })

  it('has an event for each of several images; the last tells of all', async () => {
    const events = await readEvents(await open({ n: 3 }))
    expect(events.map(({ name }) => name)).toEqual(Array(3).fill('image_generation.completed'))
    expect(events.map(({ data }) => 'metadata' in data)).toEqual([false, false, true])
    for (const { data } of events) expect(data.usage.total_tokens).toBeGreaterThan(0)
  })

  it.each(['fal', 'replicate', 'vertex'] as const)('is served by %s too', async (provider) => {
    const part = { partial_images: 2, provider: { only: [provider] } }
    const events = await readEvents(await open(part))
    const last = events.at(-1)
    expect([last?.name, last?.data.metadata.provider]).toEqual([
      'image_generation.completed',
      provider,
    ])
    const usage = { input_tokens: 0, output_tokens: 0, total_tokens: 0 }
    if (provider !== 'vertex') {
      expect(last?.data.usage).toMatchObject(usage)
      expect(last?.data.warnings).toEqual([expect.objectContaining({ param: 'partial_images' })])
    }
  })

  it('moves on to the next provider as any request does', async () => {
    gateway.emulators.gemini.setScenario({ always: 'unavailable' })
    const [event] = await readEvents(await open())
    expect(event?.data.metadata.attempts).toHaveLength(2)
    expect(event?.data.metadata.provider).not.toBe('gemini')
  })

  it('is converted to the format that was asked for', async () => {
    const [event] = await readEvents(await open({ output_format: 'webp' }))
    expect(event?.data.output_format).toBe('webp')
    expect(Buffer.from(event?.data.b64_json, 'base64').subarray(8, 12).toString()).toBe('WEBP')
  })

  it('that is wrong is a plain 400, and nothing is sent', async () => {
    const response = await open({ output_format: 'bmp' })
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(((await response.json()) as { error: { param: string } }).error.param).toBe(
      'output_format',
    )
    expect(gateway.creates()).toBe(0)
  })

  it('that fails later ends with an error event', async () => {
    gateway.emulators.gemini.setScenario({ always: 'refusal' })
    const response = await open()
    expect(response.status).toBe(200)
    const [event, ...others] = await readEvents(response)
    expect(others).toEqual([])
    expect(event).toEqual({
      name: 'error',
      data: {
        type: 'error',
        error: expect.objectContaining({ code: 'CONTENT_POLICY_VIOLATION', param: null }),
      },
    })
  })

  it('cancels upstream when the client leaves', async () => {
    gateway.emulators.fal.setScenario({ latency: { p50Ms: 100_000, p95Ms: 100_000 } })
    const leaving = new AbortController()
    const response = await open({ provider: { only: ['fal'] } }, {}, leaving.signal)
    expect(response.status).toBe(200)
    await expect.poll(() => gateway.creates()).toBe(1)
    leaving.abort()
    await expect.poll(() => gateway.emulators.fal.count('cancel'), { timeout: 3_000 }).toBe(1)
  })

  it('is told again under its Idempotency-Key', async () => {
    const key = { 'idempotency-key': 'streamed' }
    const first = await readEvents(await open({ n: 2 }, key))
    const second = await readEvents(await open({ n: 2 }, key))
    expect(second.map(({ data }) => data.b64_json).sort()).toEqual(
      first.map(({ data }) => data.b64_json).sort(),
    )
    expect(second.at(-1)?.data.metadata).toEqual(first.at(-1)?.data.metadata)
    expect(gateway.creates()).toBe(2)
  })

  it('that waits for another one with its key is open meanwhile, and tells the same tokens', async () => {
    gateway.emulators.gemini.setScenario({ latency: { p50Ms: 60_000, p95Ms: 60_000 } })
    const key = { 'idempotency-key': 'followed' }
    const leading = await open({}, key)
    await expect.poll(() => gateway.creates()).toBe(1)
    const following = await open({}, key)
    // The headers are here: the images are not.
    expect(gateway.logText()).not.toContain('"status":"completed"')
    const [led] = await readEvents(leading)
    const [followed] = await readEvents(following)
    expect(followed?.data.usage).toEqual(led?.data.usage)
    expect(followed?.data.usage.total_tokens).toBeGreaterThan(0)
    expect(gateway.creates()).toBe(1)
  })

  it('does not say how many attempts there were before there were any', async () => {
    expect((await open()).headers.has('x-gateway-attempts')).toBe(false)
  })

  it('says what response_format means to it', async () => {
    const [event] = await readEvents(await open({ response_format: 'url' }))
    expect(event?.data.warnings).toEqual([expect.objectContaining({ param: 'response_format' })])
    expect((await open({ response_format: 'url', provider: { strict: true } })).status).toBe(400)
  })
})

describe("OpenAI's own client", () => {
  it('reads the events of a generation', async () => {
    const stream = await gateway.client.images.generate({
      ...BODY,
      stream: true,
      partial_images: 2,
    } as OpenAI.ImageGenerateParamsStreaming)
    const types: string[] = []
    for await (const event of stream) types.push(event.type)
    expect(types.at(-1)).toBe('image_generation.completed')
    expect(types.slice(0, -1).every((type) => type === 'image_generation.partial_image')).toBe(true)
  })

  it('reads the events of an edit', async () => {
    const stream = await gateway.client.images.edit({
      ...BODY,
      image: await OpenAI.toFile(await makePicture(), 'picture.png'),
      stream: true,
    } as OpenAI.ImageEditParamsStreaming)
    const events = []
    for await (const event of stream) events.push(event)
    expect(events).toEqual([expect.objectContaining({ type: 'image_edit.completed' })])
  })

  it('throws the error event', async () => {
    gateway.emulators.gemini.setScenario({ always: 'refusal' })
    const stream = await gateway.client.images.generate({
      ...BODY,
      stream: true,
    } as OpenAI.ImageGenerateParamsStreaming)
    const reading = async () => {
      for await (const event of stream) expect(event).toBeUndefined()
    }
    await expect(reading()).rejects.toMatchObject({ code: 'CONTENT_POLICY_VIOLATION' })
  })
})

it('partial_images without stream is a warning, and no drafts are asked for', async () => {
  const { body } = await gateway.post(EDITS.replace('edits', 'generations'), {
    ...BODY,
    partial_images: 2,
  })
  expect(body.warnings).toEqual([expect.objectContaining({ param: 'partial_images' })])
  const { body: sent } = gateway.emulators.gemini.calls[0] ?? {}
  expect(JSON.stringify(sent)).not.toContain('includeThoughts')
})
