import { describe, expect, it } from 'vitest'
import { GatewayError } from '#src/domain/errors.ts'
import type { ClaimResult, RunStore } from '#src/domain/run-store.ts'
import { keepError } from '#src/generation/kept-answer.ts'
import { type RunContext, runOnce } from '#src/generation/run-once.ts'
import { createMemoryRunStore } from '#src/state/memory/memory-run-store.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { answerOf, claimOf, jobOf } from '#test/state/run-samples.ts'

const FAULT = new GatewayError('INTERNAL_ERROR', 'The disk is full.')

const once = (runs: RunStore, work: (context: RunContext) => Promise<'made'>) =>
  runOnce({
    runs,
    claim: claimOf(1),
    keepForMs: 60_000,
    signal: new AbortController().signal,
    work,
    keep: () => answerOf('a'),
    keepFailure: keepError,
  })

describe('work that is done once', () => {
  const create = () => createMemoryRunStore({ clock: createFakeClock() })

  it('is not done again when only a newer gateway can read what came of it', async () => {
    const claim = async (): Promise<ClaimResult> => ({ kind: 'unreadable' })
    const begun: unknown[] = []
    const outcome = once({ ...create(), claim }, async (context) => {
      begun.push(context)
      return 'made'
    })
    await expect(outcome).rejects.toMatchObject({ code: 'OVERLOADED', status: 503, options: {} })
    expect(begun).toEqual([])
  })

  it('goes on with its jobs after a fault of the gateway, rather than telling that fault again', async () => {
    const runs = create()
    const failed = once(runs, async ({ onJob, onJobLost }) => {
      for (const id of ['one', 'two']) onJob(jobOf(id))
      onJobLost('two')
      throw FAULT
    })
    // Sent again, it fetches what was paid for.
    await expect(failed).rejects.toMatchObject({
      code: FAULT.code,
      message: FAULT.message,
      options: { isRetryable: true },
    })
    const taken: unknown[] = []
    const again = await once(runs, async ({ jobs }) => {
      taken.push(jobs)
      return 'made'
    })
    expect([again, taken]).toEqual([
      { kind: 'fresh', outcome: 'made' },
      [[{ ...jobOf('one'), cost: 0 }]],
    ])
    expect(await once(runs, async () => 'made')).toEqual({ kind: 'kept', answer: answerOf('a') })
  })

  it('is told again to have failed when no job of it is left', async () => {
    const runs = create()
    const failed = once(runs, async ({ onJob, onJobLost }) => {
      onJob(jobOf('one'))
      onJobLost('one')
      throw FAULT
    })
    await expect(failed).rejects.toBe(FAULT)
    const again = await once(runs, async () => 'made')
    expect(again).toEqual({ kind: 'kept', answer: keepError(FAULT) })
  })

  it('knows for which request it was begun by a process that has died', async () => {
    const claim = async (): Promise<ClaimResult> => ({
      kind: 'mine',
      jobs: [],
      firstRequestId: 'first',
    })
    const ids: unknown[] = []
    await once({ ...create(), claim }, async ({ firstRequestId }) => {
      ids.push(firstRequestId)
      return 'made'
    })
    expect(ids).toEqual(['first'])
  })
})
