import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type FailureKind, ProviderError } from '#src/domain/errors.ts'
import type {
  InputImage,
  ProviderAdapter,
  ProviderCall,
  ProviderModule,
} from '#src/domain/provider-adapter.ts'
import type { Emulator, Emulators, ProviderId } from '#test/emulators/emulator.ts'
import type { Fault } from '#test/emulators/scenario.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import {
  providerCall,
  providerDependencies,
  providerErrorOf,
} from '#test/providers/lib/adapter-fixtures.ts'
import { inputPictures } from '#test/providers/lib/input-pictures.ts'

/** What an adapter makes of one fault. */
export interface ExpectedFailure {
  readonly kind: FailureKind
  readonly workMayExist: boolean
  /** Absent: the error must not name a time. */
  readonly retryAfterMs?: number
}

/** A provider under the contract. */
export interface AdapterUnderContract {
  readonly id: ProviderId
  readonly module: ProviderModule
  /** A text-to-image call: model id and input. */
  readonly generate: Pick<ProviderCall, 'providerModelId' | 'input'>
  /** An edit: model id and input without the images. */
  readonly edit: Pick<ProviderCall, 'providerModelId' | 'input'>
  /** Where the images of an edit belong. */
  readonly imageField: Pick<InputImage, 'field' | 'isList'>
  /** Every fault that ends in a failure by itself, and as what. */
  readonly failures: Readonly<Partial<Record<Fault, ExpectedFailure>>>
  /** Faults that the adapter does not see or gets over. */
  readonly harmless: readonly Fault[]
  /** Faults that only an abort ends. */
  readonly endless: readonly Fault[]
  /** Whether there are jobs, which can be looked at and cancelled. */
  readonly hasJobs: boolean
}

/** A second of a provider takes 10 ms. */
const TIME_SCALE = 100

/** Real milliseconds in which an aborted call has to be over: grace and cancel at their smallest, and some air. */
const ABORT_BOUND_MS = 2_000

/** Looks after which an adapter knows that a job is under way. */
const LOOKS = 3

const PROMPT = 'a very private wish about a red bicycle'

/** What every adapter has to do, whatever the provider. */
export const describeProviderAdapter = (subject: AdapterUnderContract): void => {
  describe(`the ${subject.id} adapter under the contract`, () => {
    const bench = createBench(subject)
    describeSuccess(subject, bench)
    describeFailures(subject, bench)
    describeAbort(subject, bench)
    if (subject.hasJobs) describeJobs(bench)
  })
}

interface Bench {
  emulator(): Emulator
  generate(changes?: Partial<ProviderCall>): ReturnType<ProviderAdapter['generate']>
  /** Every secret that must not be told. */
  secrets(): readonly string[]
}

const createBench = (subject: AdapterUnderContract): Bench => {
  let emulators: Emulators
  let adapter: ProviderAdapter
  let settings: Readonly<Record<string, string>>
  beforeAll(async () => {
    emulators = await startEmulators({ timeScale: TIME_SCALE, only: [subject.id] })
    settings = emulators.environment
    adapter = subject.module.create(settings, providerDependencies(TIME_SCALE))
  })
  beforeEach(() => {
    emulators[subject.id].setScenario({})
    emulators[subject.id].clearCalls()
  })
  afterAll(() => emulators.close())
  return {
    emulator: () => emulators[subject.id],
    generate: (changes) =>
      adapter.generate(
        providerCall({
          ...subject.generate,
          input: { ...subject.generate.input, prompt: PROMPT },
          timeoutMs: 5_000,
          ...changes,
        }),
      ),
    secrets: () => [
      PROMPT,
      'http',
      ...Object.entries(settings).flatMap(([name, value]) =>
        /KEY|TOKEN/.test(name) ? [value] : [],
      ),
    ],
  }
}

const describeSuccess = (subject: AdapterUnderContract, bench: Bench): void => {
  it('makes an image from text with one create', async () => {
    const answer = await bench.generate()
    expect(answer.images).toHaveLength(1)
    expect(answer.providerRequestId).toMatch(/\w/)
    expect(bench.emulator().count('create')).toBe(1)
  })

  it.each([1, 2, 14])('edits %i images with one create', async (count) => {
    const pictures = await inputPictures(count)
    const images = pictures.map((bytes) => ({
      ...subject.imageField,
      role: 'image' as const,
      mediaType: 'image/png',
      bytes,
    }))
    const input = { ...subject.edit.input, prompt: PROMPT }
    const answer = await bench.generate({ ...subject.edit, input, images })
    expect(answer.images).toHaveLength(1)
    expect(bench.emulator().count('create')).toBe(1)
  })

  it.each(subject.harmless)('gets over %s with one create', async (fault) => {
    bench.emulator().setScenario({ next: [fault] })
    expect((await bench.generate()).images.length).toBeGreaterThan(0)
    expect(bench.emulator().count('create')).toBe(1)
  })
}

const describeFailures = (subject: AdapterUnderContract, bench: Bench): void => {
  const failures = Object.entries(subject.failures) as [Fault, ExpectedFailure][]

  it.each(failures)('answers %s with one create and %j', async (fault, expected) => {
    bench.emulator().setScenario({ always: fault, retryAfterMs: 26_000 })
    const { details } = await providerErrorOf(bench.generate())
    const { kind, workMayExist, retryAfterMs } = details
    expect({ kind, workMayExist, retryAfterMs }).toEqual({ retryAfterMs: undefined, ...expected })
    expect(bench.emulator().count('create')).toBe(1)
    for (const secret of bench.secrets()) expect(details.publicMessage).not.toContain(secret)
  })

  it('says that nothing left when nobody listens', async () => {
    const gone = await startEmulators({ timeScale: TIME_SCALE, only: [subject.id] })
    await gone.close()
    const adapter = subject.module.create(gone.environment, providerDependencies(TIME_SCALE))
    const { details } = await providerErrorOf(adapter.generate(providerCall(subject.generate)))
    expect(details).toMatchObject({ kind: 'network', workMayExist: false })
  })

  it('rejects nonsense with a ProviderError too', async () => {
    const nonsense = { input: { prompt: null, tools: 7, imageConfig: 'wide' } }
    const error = await bench.generate(nonsense).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    if (error !== undefined) expect(error).toBeInstanceOf(ProviderError)
    expect(bench.emulator().count('create')).toBeLessThanOrEqual(1)
  })
}

const describeAbort = (subject: AdapterUnderContract, bench: Bench): void => {
  it('sends nothing when it is aborted beforehand', async () => {
    const { details } = await providerErrorOf(bench.generate({ signal: AbortSignal.abort() }))
    expect(details).toMatchObject({ kind: 'cancelled', workMayExist: false })
    expect(bench.emulator().calls).toHaveLength(0)
  })

  it.each(subject.endless)('ends %s by an abort, with one create', async (fault) => {
    bench.emulator().setScenario({ always: fault })
    const looks = subject.hasJobs && fault !== 'hang_at_create' ? LOOKS : 0
    const { details, elapsedMs } = await abortAfterCreate(bench, looks)
    expect(details).toMatchObject({ kind: 'cancelled', workMayExist: true })
    expect(elapsedMs).toBeLessThan(ABORT_BOUND_MS)
    expect(bench.emulator().count('create')).toBe(1)
  })

  it('rejects soon when it is aborted during the work, saying that it may exist', async () => {
    bench.emulator().setScenario({ latency: { p50Ms: 400_000, p95Ms: 400_001 } })
    const { details, elapsedMs } = await abortAfterCreate(bench, subject.hasJobs ? LOOKS : 0)
    expect(details).toMatchObject({ kind: 'cancelled', workMayExist: true })
    expect(elapsedMs).toBeLessThan(ABORT_BOUND_MS)
    expect(bench.emulator().count('create')).toBe(1)
    expect(bench.emulator().count('cancel')).toBe(subject.hasJobs ? 1 : 0)
  })
}

/** Aborts once the create has arrived and the job, if one turned up, was looked at `looks` times. */
const abortAfterCreate = async (bench: Bench, looks: number) => {
  const controller = new AbortController()
  const rejected = providerErrorOf(bench.generate({ signal: controller.signal }))
  rejected.catch(() => {})
  const emulator = bench.emulator()
  await expect
    .poll(() => emulator.count('create') === 1 && emulator.count('poll') >= looks, { interval: 5 })
    .toBe(true)
  const startedAtMs = performance.now()
  controller.abort()
  const { details } = await rejected
  return { details, elapsedMs: performance.now() - startedAtMs }
}

const describeJobs = (bench: Bench): void => {
  const faults = [
    'reset_before_answer',
    'reset_inside_answer',
    'server_error',
    'unavailable',
  ] as const
  const others = [
    'gateway_timeout',
    'rate_limited',
    'malformed_body',
    'truncated_body',
    'hang',
  ] as const

  it.each([...faults, ...others])(
    'looks again after %s of a poll, with one create',
    async (fault) => {
      bench.emulator().setScenario({
        latency: { p50Ms: 1_500, p95Ms: 1_501 },
        nextAt: { poll: [fault, fault] },
      })
      expect((await bench.generate()).images).toHaveLength(1)
      expect(bench.emulator().count('create')).toBe(1)
      expect(bench.emulator().count('poll')).toBeGreaterThanOrEqual(3)
    },
  )

  it('says that no work exists when a job was cancelled in the queue', async () => {
    bench.emulator().setScenario({ queueMs: 400_000 })
    const { details } = await abortAfterCreate(bench, LOOKS)
    expect(details).toMatchObject({ kind: 'cancelled', workMayExist: false })
    expect(details.providerRequestId).toMatch(/\w/)
    expect(bench.emulator().count('cancel')).toBe(1)
  })

  it('ends in bounds when the cancel is never answered', async () => {
    bench.emulator().setScenario({
      latency: { p50Ms: 400_000, p95Ms: 400_001 },
      nextAt: { cancel: ['hang'] },
    })
    const { details, elapsedMs } = await abortAfterCreate(bench, LOOKS)
    expect(details).toMatchObject({ kind: 'cancelled', workMayExist: true })
    expect(elapsedMs).toBeLessThan(ABORT_BOUND_MS)
  })

  it('hands the answer over when the job is done before the abort', async () => {
    const controller = new AbortController()
    expect((await bench.generate({ signal: controller.signal })).images).toHaveLength(1)
    controller.abort()
    expect(bench.emulator().count('cancel')).toBe(0)
  })
}
