import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Emulator, Emulators } from '#test/emulators/emulator.ts'
import type { Fault, StreamBreak } from '#test/emulators/scenario.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import {
  googleBody,
  googleParts,
  inspect,
  type StreamSeen,
  streamGoogle,
} from '#test/emulators/wire-client.ts'

let emulators: Emulators

beforeAll(async () => {
  emulators = await startEmulators({ only: ['gemini', 'vertex'], timeScale: 100 })
})
afterEach(() => {
  for (const id of ['gemini', 'vertex'] as const) {
    emulators[id].setScenario({})
    emulators[id].clearCalls()
  }
})
afterAll(() => emulators.close())

const BROKEN = /ECONNRESET|UND_ERR_SOCKET/

const THOUGHTFUL = googleBody({ thinkingConfig: { thinkingLevel: 'HIGH', includeThoughts: true } })

/** What the chunks hold, in order. */
const shapes = ({ chunks }: StreamSeen): string[] =>
  chunks.map(({ json }) => {
    if (typeof json !== 'object') return 'no JSON'
    const [part, ...others] = googleParts(json)
    if (part === undefined || others.length > 0) return Object.keys(json as object).join(' ')
    return `${part.thought ? 'thought ' : ''}${part.inlineData ? 'image' : 'text'}`
  })

describe.each(['gemini', 'vertex'] as const)('a stream of %s', (id) => {
  const emulator = (): Emulator => emulators[id]

  it('sends each draft and the image whole in one chunk, at parts of the latency', async () => {
    emulator().setScenario({ latency: { p50Ms: 60_000, p95Ms: 60_001 } })
    const seen = await streamGoogle(emulator(), THOUGHTFUL)
    expect(shapes(seen)).toEqual(['thought text', 'thought image', 'thought image', 'image'])
    const [, first, second, last] = seen.chunks
    for (const { json } of [first, second, last].filter((chunk) => chunk !== undefined)) {
      const data = googleParts(json)[0]?.inlineData?.data ?? ''
      expect(await inspect(Buffer.from(data, 'base64'))).toMatchObject({ format: 'png' })
    }
    expect(first?.afterMs).toBeLessThan((last?.afterMs ?? 0) - 200)
    expect(second?.afterMs).toBeLessThan((last?.afterMs ?? 0) - 100)
    expect(last?.json).toMatchObject({
      candidates: [{ finishReason: 'STOP' }],
      usageMetadata: { candidatesTokenCount: 1_120 },
    })
    expect(second?.json).not.toHaveProperty('usageMetadata')
    expect([emulator().count('create'), emulator().calls[0]?.status]).toEqual([1, 200])
  })

  it('sends one draft when thoughts are asked for without high thinking', async () => {
    const body = googleBody({ thinkingConfig: { includeThoughts: true } })
    expect(shapes(await streamGoogle(emulator(), body))).toEqual([
      'thought text',
      'thought image',
      'image',
    ])
  })

  it('checks the request as strictly as the plain call', async () => {
    const body = googleBody({ imageConfig: { imageSize: '0.5K' }, thinkingConfig: { depth: 3 } })
    const { status, chunks } = await streamGoogle(emulator(), body)
    expect(status).toBe(400)
    expect(chunks[0]?.json).toMatchObject({ error: { status: 'INVALID_ARGUMENT' } })
  })

  it.each<[Fault, number]>([
    ['rate_limited', 429],
    ['server_error', 500],
    ['unavailable', 503],
    ['gateway_timeout', 504],
  ])('answers %s with a plain %i', async (fault, status) => {
    emulator().setScenario({ always: fault })
    const seen = await streamGoogle(emulator())
    expect([seen.status, seen.end]).toEqual([status, 'complete'])
    expect(seen.chunks[0]?.json).toMatchObject({ error: { code: status } })
  })

  it.each<[Fault, object]>([
    ['refusal', { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } }],
    ['refusal_output', { candidates: [{ finishReason: 'IMAGE_SAFETY' }] }],
    ['no_image', { candidates: [{ finishReason: 'NO_IMAGE' }] }],
    ['text_only', { candidates: [{ finishReason: 'STOP' }] }],
    ['empty_list', { usageMetadata: {} }],
  ])('answers %s in one chunk', async (fault, expected) => {
    emulator().setScenario({ always: fault })
    const seen = await streamGoogle(emulator())
    expect(seen).toMatchObject({ status: 200, end: 'complete', chunks: [{ json: expected }] })
  })

  it('resets inside, cuts off in the middle, drips, and answers nonsense', async () => {
    const under = (fault: Fault) => {
      emulator().setScenario({ always: fault, dripIntervalMs: 200 })
      return streamGoogle(emulator(), THOUGHTFUL)
    }
    expect((await under('reset_inside_answer')).end).toMatch(BROKEN)
    const truncated = await under('truncated_body')
    expect(truncated.end).toBe('complete')
    expect(shapes(truncated).at(-1)).toBe('no JSON')
    expect(shapes(await under('slow_drip')).at(-1)).toBe('image')
    expect(shapes(await under('malformed_body'))).toEqual(['no JSON'])
    expect(emulator().count('create')).toBe(4)
  })

  it('never begins when it hangs', async () => {
    emulator().setScenario({ always: 'hang' })
    const answer = streamGoogle(emulator(), googleBody(), AbortSignal.timeout(500))
    await expect(answer).rejects.toMatchObject({ name: 'TimeoutError' })
    expect(emulator().calls[0]).not.toHaveProperty('status')
  })

  it.each<[StreamBreak['how'], readonly string[], RegExp]>([
    ['end', [], /^complete$/],
    ['error', ['error'], /^complete$/],
    ['malformed', ['no JSON'], /^complete$/],
    ['reset', [], BROKEN],
    ['silence', [], /TimeoutError/],
  ])('breaks off by %s, behind the drafts or behind the image', async (how, tail, end) => {
    const broken = (after: StreamBreak['after']) => {
      emulator().setScenario({ streamBreak: { after, how } })
      return streamGoogle(emulator(), THOUGHTFUL, AbortSignal.timeout(1_000))
    }
    const drafts = ['thought text', 'thought image', 'thought image']
    const early = await broken('drafts')
    const late = await broken('image')
    expect([shapes(early), shapes(late)]).toEqual([
      [...drafts, ...tail],
      [...drafts, 'image', ...tail],
    ])
    expect([early.end, late.end]).toEqual([expect.stringMatching(end), expect.stringMatching(end)])
    expect(JSON.stringify(late.chunks)).not.toMatch(/finishReason|usageMetadata/)
  })
})
