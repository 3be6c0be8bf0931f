import { expect, it, vi } from 'vitest'
import { ProviderError } from '#src/domain/errors.ts'
import { adoptJobs } from '#src/generation/adopt-jobs.ts'
import { adoptOrphan } from '#src/generation/adopt-orphan.ts'
import { createGenerationEvents } from '#src/generation/events.ts'
import type { GenerationDependencies } from '#src/generation/generation-dependencies.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { createFirstCatalog } from '#test/helpers/models.ts'
import { orderOf } from '#test/state/run-samples.ts'

vi.mock('#src/generation/adopt-jobs.ts', () => ({ adoptJobs: vi.fn() }))

it('tells why jobs failed whose model has been taken out since', async () => {
  const failure = new ProviderError({
    kind: 'content_rejected',
    workMayExist: false,
    publicMessage: 'flagged',
  })
  vi.mocked(adoptJobs).mockImplementation(async ({ trace }) => {
    trace.attempts.push({
      id: 'a',
      provider: 'fal',
      configKey: 'fal/gone',
      status: 'failed',
      failure,
      count: 1,
      begunMs: 0,
      durationMs: 5,
      providerMs: 5,
      cost: 0,
    })
    return { images: [], attempts: [] }
  })
  const parts = { clock: createFakeClock(2_000), events: createGenerationEvents() }
  const deps = { ...parts, catalog: createFirstCatalog() } as unknown as GenerationDependencies
  const context = { jobs: [], onJob: () => undefined, onJobLost: () => undefined }
  expect(await adoptOrphan(deps, orderOf(1, { modelId: 'gone' }), context)).toMatchObject({
    kind: 'error',
    code: 'CONTENT_POLICY_VIOLATION',
    status: 400,
  })
})
