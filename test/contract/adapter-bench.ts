import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import type { FailureKind } from '#src/domain/errors.ts'
import type {
  AdoptionCall,
  InputImage,
  ProviderAdapter,
  ProviderAnswer,
  ProviderCall,
  ProviderDependencies,
  ProviderJob,
  ProviderModule,
} from '#src/domain/provider-adapter.ts'
import type { Emulator, Emulators, ProviderId } from '#test/emulators/emulator.ts'
import type { Fault, Scenario } from '#test/emulators/scenario.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import {
  providerCall,
  providerDependencies,
  providerErrorOf,
} from '#test/providers/lib/adapter-fixtures.ts'

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
  /** Input with which the provider sends two drafts where it streams; absent: it has no streaming call. */
  readonly drafting?: ProviderCall['input']
}

/** A second of a provider takes 10 ms. */
export const TIME_SCALE = 100

/** Real milliseconds in which an aborted call has to be over: grace and cancel at their smallest, and some air. */
export const ABORT_BOUND_MS = 2_000

/** Looks after which an adapter knows that a job is under way. */
export const LOOKS = 3

export const PROMPT = 'a very private wish about a red bicycle'

/** A job that would not end before the test does. */
export const ENDLESS_WORK: Scenario = { latency: { p50Ms: 400_000, p95Ms: 400_001 } }

/** An adapter with the emulator that it calls. */
export interface AdapterBench {
  emulator(): Emulator
  generate(changes?: Partial<ProviderCall>): Promise<ProviderAnswer>
  /** Fails when the adapter has no such function. */
  adopt(job: ProviderJob, changes?: Partial<AdoptionCall>): Promise<ProviderAnswer>
  /** Whether the adapter can adopt at all. */
  canAdopt(): boolean
  /** A job of a process that died as soon as it knew of it. */
  leftBehind(): Promise<ProviderJob>
  /** Every secret that must not be told. */
  secrets(): readonly string[]
}

/** Starts the emulator around the tests of the enclosing `describe`. */
export const createAdapterBench = (subject: AdapterUnderContract): AdapterBench => {
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
  const call = (changes?: Partial<ProviderCall>): ProviderCall =>
    providerCall({
      ...subject.generate,
      input: { ...subject.generate.input, prompt: PROMPT },
      timeoutMs: 5_000,
      ...changes,
    })
  return {
    emulator: () => emulators[subject.id],
    generate: (changes) => adapter.generate(call(changes)),
    adopt: async (job, changes) => {
      if (adapter.adopt === undefined) throw new Error('The adapter cannot adopt')
      const { attemptId, providerModelId, timeoutMs, signal } = call()
      return adapter.adopt({ attemptId, providerModelId, timeoutMs, signal, job, ...changes })
    },
    canAdopt: () => adapter.adopt !== undefined,
    leftBehind: () =>
      new Promise((resolve, reject) => {
        const dependencies = dyingAfterOneRequest(providerDependencies(TIME_SCALE))
        const dying = subject.module.create(settings, dependencies)
        dying.generate(call({ onJob: resolve })).catch(reject)
      }),
    secrets: () => [
      PROMPT,
      'http',
      ...Object.entries(settings).flatMap(([name, value]) =>
        /KEY|TOKEN/.test(name) ? [value] : [],
      ),
    ],
  }
}

/** Whatever follows the first request is neither sent nor answered. */
const dyingAfterOneRequest = (dependencies: ProviderDependencies): ProviderDependencies => {
  let sent = 0
  return {
    ...dependencies,
    send: (request) => {
      sent += 1
      return sent === 1 ? dependencies.send(request) : new Promise(() => {})
    },
  }
}

/** Why a signal aborts when the time is up. */
export const timeIsUp = (): DOMException => new DOMException('The time is up', 'TimeoutError')

/** Starts what is to be given up; absent in calls below: a generation. */
export type Begin = (signal: AbortSignal) => Promise<ProviderAnswer>

/**
 * Aborts once the create has arrived and the job, if one turned up, was looked at `looks` times. Without a reason as
 * for a client that left.
 */
export const abortDuring = async <T>(
  bench: AdapterBench,
  looks: number,
  watch: (answer: Promise<ProviderAnswer>) => Promise<T>,
  reason?: DOMException,
  begin: Begin = (signal) => bench.generate({ signal }),
) => {
  const controller = new AbortController()
  const ended = watch(begin(controller.signal))
  ended.catch(() => {})
  const emulator = bench.emulator()
  await expect
    .poll(() => emulator.count('create') === 1 && emulator.count('poll') >= looks, { interval: 5 })
    .toBe(true)
  const startedAtMs = performance.now()
  controller.abort(reason)
  const result = await ended
  return { result, elapsedMs: performance.now() - startedAtMs }
}

export const abortAfterCreate = async (
  bench: AdapterBench,
  looks: number,
  reason?: DOMException,
  begin?: Begin,
) => {
  const { result, elapsedMs } = await abortDuring(bench, looks, providerErrorOf, reason, begin)
  return { details: result.details, elapsedMs }
}
