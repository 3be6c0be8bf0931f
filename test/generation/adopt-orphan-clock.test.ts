import { expect, it, vi } from 'vitest'
import { adoptJobs } from '#src/generation/adopt-jobs.ts'
import { adoptOrphan } from '#src/generation/adopt-orphan.ts'
import { createGenerationEvents } from '#src/generation/events.ts'
import type { GenerationDependencies } from '#src/generation/generation-dependencies.ts'
import { orderOf } from '#test/state/run-samples.ts'

vi.mock('#src/generation/adopt-jobs.ts', () => ({
  adoptJobs: vi.fn(async () => ({ images: [], attempts: [] })),
}))

/** Real ms that the jobs of a request with 100 s, 40 s of which are left, are given by a clock that is ahead by so much. */
const givenMs = async (aheadMs: number): Promise<number | undefined> => {
  const order = orderOf(1, { createdAtMs: 1_000_000, deadlineAtMs: 1_100_000 })
  const clock = { now: () => 1_060_000 + aheadMs, monotonicMs: () => 5_000 }
  const deps = { clock, events: createGenerationEvents() } as unknown as GenerationDependencies
  vi.mocked(adoptJobs).mockClear()
  await adoptOrphan(deps, order, { jobs: [], onJob: () => undefined, onJobLost: () => undefined })
  const [adoption] = vi.mocked(adoptJobs).mock.lastCall ?? []
  return adoption && adoption.deadlineMs - 5_000
}

it('gives jobs of another gateway what is left of their time, whatever the clocks say', async () => {
  expect(await givenMs(0)).toBe(40_000)
  expect(await givenMs(-3_600_000)).toBe(100_000)
  expect(await givenMs(3_600_000)).toBe(30_000)
})
