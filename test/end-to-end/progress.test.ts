import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import {
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

const ORDER = { order: ['gemini', 'vertex'] }
const PROGRESS = { 'x-gateway-progress': 'true' }

const open = (part: object = {}, headers: Record<string, string> = PROGRESS) =>
  fetch(gateway.url + GENERATIONS, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${TEST_KEY}`,
      ...headers,
    },
    body: JSON.stringify({
      model: FIRST_MODEL,
      prompt: 'a lighthouse',
      stream: true,
      provider: ORDER,
      ...part,
    }),
  })

// biome-ignore lint/suspicious/noExplicitAny: tests read events of several shapes and assert what they read.
type EventData = any

/** The data of each event, whose names and types are the same. */
const readEvents = async (response: Response): Promise<EventData[]> =>
  (await response.text())
    .split('\n\n')
    .filter((block) => block.startsWith('event:'))
    .map((block) => {
      const [name = '', text = ''] = block.split('\n').map((line) => line.replace(/^\w+: /, ''))
      const data = JSON.parse(text)
      expect(data.type).toBe(name)
      return data
    })

const attemptsOf = (events: readonly EventData[]): EventData[] =>
  events.filter(({ type }) => type === 'gateway.attempt')

const NAMES = { gemini: 'Gemini API', vertex: 'Vertex AI' } as const

const eventAt = (provider: keyof typeof NAMES, part: object) => ({
  type: 'gateway.attempt',
  provider,
  provider_name: NAMES[provider],
  config_key: `${provider}/${FIRST_MODEL}`,
  after_ms: expect.any(Number),
  ...part,
})
const begun = { status: 'started', timeout_ms: expect.any(Number) }
const ended = { duration_ms: expect.any(Number) }

describe('a stream with x-gateway-progress: true', () => {
  it('tells the plan and each attempt as it begins and ends, before the image', async () => {
    gateway.emulators.gemini.setScenario({ always: 'unavailable' })
    const events = await readEvents(await open())
    expect(events).toEqual([
      {
        type: 'gateway.planned',
        candidates: expect.arrayContaining([`gemini/${FIRST_MODEL}`, `fal/${FIRST_MODEL}`]),
        expected_seconds: expect.any(Number),
      },
      eventAt('gemini', { attempt: 1, reason: 'best', ...begun }),
      eventAt('gemini', { attempt: 1, status: 'failed', error_code: 'OVERLOADED', ...ended }),
      eventAt('vertex', { attempt: 2, reason: 'best', ...begun }),
      eventAt('vertex', { attempt: 2, status: 'completed', ...ended }),
      expect.objectContaining({ type: 'image_generation.completed' }),
    ])
    expect(events[0].candidates[0]).toBe(`gemini/${FIRST_MODEL}`)
    expect(events[0].expected_seconds).toBeGreaterThan(0)
    const told = attemptsOf(events).filter(({ status }) => status !== 'started')
    const { attempts } = events.at(-1).metadata
    expect(attempts).toEqual(
      told.map(({ provider, config_key, status, error_code, duration_ms }) => ({
        provider,
        config_key,
        status,
        ...(error_code && { error_code }),
        duration_ms,
      })),
    )
    const afterMs = attemptsOf(events).map(({ after_ms }) => after_ms)
    expect(afterMs).toEqual(afterMs.toSorted((left, right) => left - right))
  })

  it('is told of an attempt while it runs', async () => {
    gateway.emulators.gemini.setScenario({ latency: { p50Ms: 100_000, p95Ms: 100_000 } })
    const response = await open()
    const reader = response.body?.getReader()
    let text = ''
    while (!text.includes('"started"')) {
      const piece = await reader?.read()
      if (!piece || piece.done) break
      text += Buffer.from(piece.value).toString()
    }
    expect(text).toContain('event: gateway.attempt')
    expect(gateway.logText()).not.toContain('"status":"completed"')
    await reader?.cancel()
  })

  it('numbers the attempts of several images so that begins and ends match', async () => {
    gateway.emulators.gemini.setScenario({ next: ['unavailable'] })
    const attempts = attemptsOf(await readEvents(await open({ n: 3 })))
    const numbers = (isMeant: (status: string) => boolean) =>
      attempts
        .filter(({ status }) => isMeant(status))
        .map(({ attempt, config_key }) => `${attempt} ${config_key}`)
    const starts = numbers((status) => status === 'started')
    expect(starts.map((start) => start.split(' ')[0])).toEqual(['1', '2', '3', '4'])
    expect(numbers((status) => status !== 'started').toSorted()).toEqual(starts)
  })

  it('tells of both attempts of a race', async () => {
    // Slower, so that a busy machine does not run out of the first attempt's time.
    await gateway.close()
    gateway = await startTestGateway({ timeScale: 30 })
    gateway.emulators.gemini.setScenario({ latency: { p50Ms: 120_000, p95Ms: 120_000 } })
    const events = await readEvents(await open({ provider: { ...ORDER, hedge: 'billed' } }))
    expect(attemptsOf(events)).toEqual([
      eventAt('gemini', { attempt: 1, reason: 'best', ...begun }),
      eventAt('vertex', { attempt: 2, reason: 'hedge', ...begun }),
      eventAt('vertex', { attempt: 2, status: 'completed', ...ended }),
      eventAt('gemini', { attempt: 1, status: 'cancelled', error_code: 'CANCELLED', ...ended }),
    ])
  })

  it('ends with its error after the attempts that failed', async () => {
    gateway.emulators.gemini.setScenario({ always: 'refusal' })
    gateway.emulators.vertex.setScenario({ always: 'refusal' })
    const events = await readEvents(await open())
    expect(attemptsOf(events).map(({ status }) => status)).not.toContain('completed')
    expect(events.at(-1)).toMatchObject({ type: 'error' })
  })

  it('has no attempts of its own when it is told again under its Idempotency-Key', async () => {
    const headers = { ...PROGRESS, 'idempotency-key': 'shown' }
    expect(attemptsOf(await readEvents(await open({}, headers)))).toHaveLength(2)
    const replayed = await readEvents(await open({}, headers))
    expect(replayed.map(({ type }) => type)).toEqual(['image_generation.completed'])
  })
})

it.each<[string, Record<string, string>]>([
  ['without the header', {}],
  ['with the header saying no', { 'x-gateway-progress': 'false' }],
])("a stream %s has OpenAI's events only", async (_name, headers) => {
  gateway.emulators.gemini.setScenario({ always: 'unavailable' })
  const events = await readEvents(await open({}, headers))
  expect(events.map(({ type }) => type)).toEqual(['image_generation.completed'])
})

it('an x-gateway-progress that says neither yes nor no is a 400', async () => {
  const response = await open({}, { 'x-gateway-progress': 'perhaps' })
  const { error } = (await response.json()) as { error: { param: string } }
  expect([response.status, error.param, gateway.creates()]).toEqual([400, 'x-gateway-progress', 0])
})
