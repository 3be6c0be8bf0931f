import { describe, expect, it } from 'vitest'
import type { ProviderAnswer, ProviderCall, ProviderImage } from '#src/domain/provider-adapter.ts'
import type { Fault, Scenario, StreamBreak } from '#test/emulators/scenario.ts'
import { providerErrorOf } from '#test/providers/lib/adapter-fixtures.ts'
import {
  ABORT_BOUND_MS,
  type AdapterBench,
  type AdapterUnderContract,
  abortAfterCreate,
  abortDuring,
  type Begin,
  ENDLESS_WORK,
  type ExpectedFailure,
  PROMPT,
  timeIsUp,
} from './adapter-bench.ts'

/** What every adapter does for a caller that wants drafts. */
export const describePreviews = (subject: AdapterUnderContract, bench: AdapterBench): void => {
  describe('giving previews', () => {
    if (subject.drafting === undefined) describeNoPreviews(bench)
    else {
      const streaming = createStreaming(bench, { ...subject.drafting, prompt: PROMPT })
      describeDrafts(bench, streaming)
      describeStreamFailures(subject, bench, streaming)
      describeBrokenStreams(bench, streaming)
      describeAborts(bench, streaming)
    }
  })
}

/** Calls that want previews, and those that came. */
interface Streaming {
  generate(changes?: Partial<ProviderCall>): Promise<ProviderAnswer>
  /** Of the latest call. */
  previews(): readonly ProviderImage[]
}

const createStreaming = (bench: AdapterBench, input: ProviderCall['input']): Streaming => {
  let previews: ProviderImage[] = []
  return {
    generate: (changes) => {
      const own: ProviderImage[] = []
      previews = own
      return bench.generate({ input, onPreview: (image) => own.push(image), ...changes })
    },
    previews: () => previews,
  }
}

const describeNoPreviews = (bench: AdapterBench): void => {
  it('makes the image as ever, and gives none', async () => {
    const previews: unknown[] = []
    const answer = await bench.generate({ onPreview: (image) => previews.push(image) })
    expect([answer.images.length, previews]).toEqual([1, []])
    expect(bench.emulator().count('create')).toBe(1)
  })
}

const DRAFT = { kind: 'base64', pieces: expect.any(Array), mediaType: 'image/png' }

const describeDrafts = (bench: AdapterBench, streaming: Streaming): void => {
  it('gives each draft before the answer, with one create that streams', async () => {
    const answer = await streaming.generate()
    expect(streaming.previews()).toEqual([DRAFT, DRAFT])
    expect(new Set([...streaming.previews(), ...answer.images].map(content)).size).toBe(3)
    expect(answer).toMatchObject({
      images: [DRAFT],
      providerRequestId: expect.stringMatching(/\w/),
      usage: { outputImageTokens: 1_120, thoughtTokens: 640 },
    })
    expect(bench.emulator().calls.map(({ kind, path }) => [kind, path])).toEqual([
      ['create', expect.stringMatching(/:streamGenerateContent\?alt=sse$/)],
    ])
  })

  it('gives a draft long before the answer is there', async () => {
    bench.emulator().setScenario({ latency: { p50Ms: 60_000, p95Ms: 60_001 } })
    const startedAtMs = performance.now()
    const cameAfterMs: number[] = []
    await streaming.generate({
      onPreview: () => cameAfterMs.push(performance.now() - startedAtMs),
    })
    const wholeMs = performance.now() - startedAtMs
    expect(cameAfterMs).toHaveLength(2)
    expect(cameAfterMs[0]).toBeLessThan(wholeMs - 200)
    expect(cameAfterMs[1]).toBeLessThan(wholeMs - 100)
  })

  it('does not stream for a caller that wants none', async () => {
    await bench.generate()
    expect(bench.emulator().calls[0]?.path).toMatch(/:generateContent$/)
  })

  it('makes the image although the listener throws', async () => {
    const onPreview = () => {
      throw new Error('the listener is broken')
    }
    expect((await streaming.generate({ onPreview })).images).toEqual([DRAFT])
  })

  it('gets over a slow drip', async () => {
    bench.emulator().setScenario({ always: 'slow_drip' })
    expect((await streaming.generate()).images).toEqual([DRAFT])
    expect(streaming.previews()).toEqual([DRAFT, DRAFT])
  })

  it('takes several images from one stream', async () => {
    bench.emulator().setScenario({ finalImages: 2 })
    expect((await streaming.generate()).images).toEqual([DRAFT, DRAFT])
  })
}

const content = (image: ProviderImage): unknown =>
  image.kind === 'base64' && Buffer.concat(image.pieces).toString()

const describeStreamFailures = (
  subject: AdapterUnderContract,
  bench: AdapterBench,
  streaming: Streaming,
): void => {
  const failures = Object.entries(subject.failures) as [Fault, ExpectedFailure][]

  it.each(failures)('answers %s as without a stream: %j', async (fault, expected) => {
    bench.emulator().setScenario({ always: fault, retryAfterMs: 26_000 })
    const { details } = await providerErrorOf(streaming.generate())
    const { kind, workMayExist, retryAfterMs } = details
    expect({ kind, workMayExist, retryAfterMs }).toEqual({ retryAfterMs: undefined, ...expected })
    expect(bench.emulator().count('create')).toBe(1)
    for (const secret of bench.secrets()) expect(details.publicMessage).not.toContain(secret)
  })
}

const describeBrokenStreams = (bench: AdapterBench, streaming: Streaming): void => {
  it.each<[StreamBreak['how'], ExpectedFailure['kind']]>([
    ['end', 'bad_response'],
    ['malformed', 'bad_response'],
    ['reset', 'network'],
    ['error', 'overloaded'],
  ])('takes a break before the image by %s for %s, and work may exist', async (how, kind) => {
    bench.emulator().setScenario({ streamBreak: { after: 'drafts', how } })
    const { details } = await providerErrorOf(streaming.generate())
    expect(details).toMatchObject({ kind, workMayExist: true })
    // The answer itself had the status 200.
    expect(details).not.toHaveProperty('upstreamStatus')
    expect(streaming.previews()).toEqual([DRAFT, DRAFT])
    expect(bench.emulator().count('create')).toBe(1)
    for (const secret of bench.secrets()) expect(details.publicMessage).not.toContain(secret)
  })

  it.each<StreamBreak['how']>(['end', 'malformed', 'reset', 'error'])(
    'uses an image behind which the stream breaks by %s',
    async (how) => {
      bench.emulator().setScenario({ streamBreak: { after: 'image', how } })
      const answer = await streaming.generate()
      expect(answer).toEqual({ images: [DRAFT], providerRequestId: expect.stringMatching(/\w/) })
      expect(bench.emulator().count('create')).toBe(1)
    },
  )
}

/** Aborts a stream that is silent behind its image. */
const abortBehindImage = async <T>(
  bench: AdapterBench,
  streaming: Streaming,
  watch: (answer: Promise<ProviderAnswer>) => Promise<T>,
  reason?: DOMException,
): Promise<T> => {
  bench.emulator().setScenario({ streamBreak: { after: 'image', how: 'silence' } })
  const controller = new AbortController()
  const ended = watch(streaming.generate({ signal: controller.signal }))
  await expect.poll(() => streaming.previews().length).toBe(2)
  // The image was sent right behind the drafts; that it has come shows nowhere but in the answer.
  await new Promise((resolve) => setTimeout(resolve, 200))
  controller.abort(reason)
  return await ended
}

const describeAborts = (bench: AdapterBench, streaming: Streaming): void => {
  const begin: Begin = (signal) => streaming.generate({ signal })

  it.each<[string, Scenario]>([
    ['never begins', { always: 'hang' }],
    ['is at work', ENDLESS_WORK],
    ['is silent behind the drafts', { streamBreak: { after: 'drafts', how: 'silence' } }],
  ])('ends a stream by an abort that %s', async (_name, scenario) => {
    bench.emulator().setScenario(scenario)
    const { details, elapsedMs } = await abortAfterCreate(bench, 0, undefined, begin)
    expect(details).toMatchObject({ kind: 'cancelled', workMayExist: true })
    expect(elapsedMs).toBeLessThan(ABORT_BOUND_MS)
    expect(bench.emulator().count('create')).toBe(1)
  })

  it('hands over an image behind which nothing comes, when the time is up', async () => {
    const ended = await abortBehindImage(bench, streaming, (answer) => answer, timeIsUp())
    expect(ended.images).toEqual([DRAFT])
  })

  it('hands no image to a client that left', async () => {
    const { details } = await abortBehindImage(bench, streaming, providerErrorOf)
    expect(details).toMatchObject({ kind: 'cancelled', workMayExist: true })
  })

  it('gives no preview after an abort', async () => {
    bench.emulator().setScenario({ latency: { p50Ms: 60_000, p95Ms: 60_001 } })
    await abortDuring(bench, 0, providerErrorOf, undefined, begin)
    const before = streaming.previews().length
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(streaming.previews()).toHaveLength(before)
  })
}
