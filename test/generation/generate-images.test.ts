import { describe, expect, it } from 'vitest'
import { systemClock } from '#src/domain/clock.ts'
import { GatewayError, ProviderError } from '#src/domain/errors.ts'
import type { ProviderAdapter, ProviderAnswer } from '#src/domain/provider-adapter.ts'
import type { KeptJob } from '#src/domain/run-store.ts'
import { createDecisionTrace } from '#src/generation/decision-trace.ts'
import { createGenerationEvents } from '#src/generation/events.ts'
import { generateImages } from '#src/generation/generate-images.ts'
import type { GenerationDependencies } from '#src/generation/generation-dependencies.ts'
import {
  ALL_PROVIDERS,
  createFirstCatalog,
  FIRST_MODEL,
  imageRequest,
} from '#test/helpers/models.ts'
import { fail, freshRouting } from '#test/routing/failover-harness.ts'
import { jobOf } from '#test/state/run-samples.ts'

const FULL = new GatewayError('INTERNAL_ERROR', 'The media folder is full.')
const picture = (name: string): ProviderAnswer => ({ images: [{ kind: 'url', url: name }] })
const job = (id: string, part: Partial<KeptJob> = {}) =>
  jobOf(id, { configKey: `fal/${FIRST_MODEL}`, ...part })

interface Setting {
  /** What becomes of each job, by its attempt. */
  readonly jobs: Readonly<Record<string, ProviderAnswer | ProviderError>>
  /** Names of pictures that cannot be stored; absent: none. */
  readonly unstorable?: readonly string[]
  readonly policy?: Parameters<typeof freshRouting>[0]
  /** Images asked for; absent: one. */
  readonly n?: number
  readonly kept?: readonly KeptJob[]
}

/** Serves a request that jobs are left of; tells what came, whom it cost a new call, and which jobs were lost. */
const serve = async ({ jobs, unstorable = [], policy, n = 1, ...setting }: Setting) => {
  const creates: string[] = []
  const lost: string[] = []
  const adopt: NonNullable<ProviderAdapter['adopt']> = async ({ attemptId }) => {
    const end = jobs[attemptId]
    if (!end || end instanceof ProviderError) throw end ?? new Error('No such job')
    return end
  }
  const adapters = [...ALL_PROVIDERS].map((id): [string, ProviderAdapter] => {
    const generate: ProviderAdapter['generate'] = async () => {
      creates.push(id)
      return picture(`of ${id}`)
    }
    return [id, id === 'fal' ? { generate, adopt } : { generate }]
  })
  const deps: GenerationDependencies = {
    catalog: createFirstCatalog(),
    adapters: new Map(adapters),
    routing: freshRouting(policy),
    clock: systemClock,
    events: createGenerationEvents(),
    convertInput: async (image) => image,
    prepareImages: async (images) =>
      images.map((image) => {
        const file = image.kind === 'url' ? image.url : ''
        if (unstorable.includes(file)) throw FULL
        const size = { width: 1, height: 1 }
        const content = { kind: 'hosted', path: `/${file}` } as const
        return { format: 'png', size, sizeBytes: 1, file, content }
      }),
  }
  const request = imageRequest({ parameters: { prompt: 'a lighthouse', n }, timeoutMs: 200_000 })
  const trace = createDecisionTrace(request.id, systemClock)
  const outcome = await generateImages(deps, request, trace, {
    jobs: setting.kept ?? Object.keys(jobs).map((id) => job(id)),
    onJobLost: (attemptId) => lost.push(attemptId),
  }).then(
    ({ images }) => images.map(({ image }) => image.file),
    (error: unknown) => (error instanceof GatewayError ? error.code : error),
  )
  return { outcome, creates, lost }
}

const OUT_OF_REACH = fail('network', { workMayExist: true })

describe('a request that jobs are left of', () => {
  it('is served by them, and by new calls only for what is missing', async () => {
    const jobs = { one: picture('one'), two: picture('two') }
    const whole = await serve({ jobs, n: 2 })
    expect(whole).toEqual({ outcome: ['one', 'two'], creates: [], lost: [] })
    const part = await serve({ jobs, n: 3 })
    expect(part).toEqual({ outcome: ['one', 'two', 'of gemini'], creates: ['gemini'], lost: [] })
  })

  it.each([
    ['was refused', fail('content_rejected'), 'CONTENT_POLICY_VIOLATION'],
    ['had something wrong with it', fail('bad_request'), 'INVALID_REQUEST'],
  ])('is not asked for again when it %s', async (_what, failure, code) => {
    const { outcome, creates, lost } = await serve({ jobs: { one: failure } })
    expect([outcome, creates, lost]).toEqual([code, [], ['one']])
  })

  it('is asked for once more elsewhere when it was refused and the operator wants that', async () => {
    const policy = { moderationFailover: 'one_other' } as const
    const { outcome, creates } = await serve({ jobs: { one: fail('content_rejected') }, policy })
    expect([outcome, creates]).toEqual([['of gemini'], ['gemini']])
  })

  it('is asked for again after a failure that may have cost, unless the operator forbids that', async () => {
    const jobs = { one: OUT_OF_REACH }
    expect((await serve({ jobs })).creates).toEqual(['gemini'])
    const { outcome, creates } = await serve({ jobs, policy: { ambiguous: 'stop' } })
    expect([outcome, creates]).toEqual(['ALL_PROVIDERS_EXHAUSTED', []])
  })

  it('keeps a job whose image the gateway could not store, and pays nobody else for it', async () => {
    const jobs = { one: picture('one') }
    const { outcome, creates, lost } = await serve({ jobs, unstorable: ['one'] })
    expect([outcome, creates, lost]).toEqual(['INTERNAL_ERROR', [], []])
  })

  it('is answered with the images that could be stored when others could not', async () => {
    const jobs = { one: picture('one'), two: picture('two') }
    const ofJob = await serve({ jobs, n: 2, unstorable: ['two'] })
    expect(ofJob).toEqual({ outcome: ['one'], creates: [], lost: [] })
    const ofCall = await serve({ jobs: { one: picture('one') }, n: 2, unstorable: ['of gemini'] })
    expect(ofCall).toEqual({ outcome: ['one'], creates: ['gemini'], lost: [] })
  })

  it('gives up a job of a provider that is no longer there, and is asked for anew', async () => {
    const kept = [job('one', { provider: 'gone' })]
    const { outcome, creates, lost } = await serve({ jobs: {}, kept })
    expect([outcome, creates, lost]).toEqual([['of gemini'], ['gemini'], ['one']])
  })
})
