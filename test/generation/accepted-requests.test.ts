import { describe, expect, it } from 'vitest'
import { createBusyCount } from '#src/domain/busy-count.ts'
import { systemClock } from '#src/domain/clock.ts'
import type { ClaimResult, RunClaim } from '#src/domain/run-store.ts'
import { createAcceptedRequests } from '#src/generation/accepted-requests.ts'
import { createDecisionTrace } from '#src/generation/decision-trace.ts'
import { createGenerationEvents } from '#src/generation/events.ts'
import type { GenerationDependencies } from '#src/generation/generation-dependencies.ts'
import { recordRequests } from '#src/generation/record-requests.ts'
import { createMemoryRequestLog } from '#src/state/memory/memory-request-log.ts'
import { createMemoryRunStore } from '#src/state/memory/memory-run-store.ts'
import { createFirstCatalog, imageRequest } from '#test/helpers/models.ts'
import { freshRouting } from '#test/routing/failover-harness.ts'
import { sampleRecord } from '#test/state/request-log-samples.ts'
import { answerOf, orderOf } from '#test/state/run-samples.ts'

const TERMS = { baseUrl: 'http://gateway', fingerprint: 'what was asked' }

/** Requests at a gateway whose runs stand in this way for it. */
const createBench = (claimed: ClaimResult) => {
  const creates: string[] = []
  const claims: RunClaim[] = []
  const log = createMemoryRequestLog()
  const events = createGenerationEvents()
  recordRequests(events, log)
  const generate = async (): Promise<never> => {
    creates.push('fal')
    throw new Error('Not made')
  }
  const generation: GenerationDependencies = {
    catalog: createFirstCatalog(),
    adapters: new Map([['fal', { generate }]]),
    routing: freshRouting(),
    clock: systemClock,
    events,
    convertInput: async (image) => image,
    prepareImages: async () => [],
  }
  const detached = createBusyCount()
  const orphan = { runId: 'run', order: orderOf(1), jobs: [] }
  const accepted = createAcceptedRequests({
    generation,
    runs: {
      ...createMemoryRunStore({ clock: systemClock }),
      claim: async (claim) => {
        claims.push(claim)
        return claimed
      },
      adoptOrphans: async () => [orphan],
    },
    requestLog: log,
    notify: async () => true,
    detached,
  })
  const accept = async (isRepeated: boolean): Promise<void> => {
    const request = imageRequest({ timeoutMs: 200_000 })
    const trace = createDecisionTrace(request.id, systemClock)
    await accepted.accept(request, trace, { ...TERMS, isRepeated })
  }
  const records = async () => {
    await detached.untilNone()
    return (await log.list({ limit: 10 })).records
  }
  return { accepted, accept, creates, claims, log, records, orphan }
}

describe('a request that is taken on', () => {
  it.each<ClaimResult>([{ kind: 'running' }, { kind: 'done', answer: answerOf('a') }])(
    'is left to who has it when it is repeated after its gateway has died: %o',
    async (claimed) => {
      const { accept, creates, records } = createBench(claimed)
      await accept(true)
      expect([await records(), creates]).toEqual([[], []])
      await expect(accept(false)).rejects.toMatchObject({ code: 'INVALID_REQUEST', status: 409 })
    },
  )

  it('goes on under its name in the log when nobody else has it after its gateway has died', async () => {
    const { accept, log, records, claims } = createBench({ kind: 'mine', jobs: [] })
    const { id } = imageRequest()
    const logged = { createdAtMs: systemClock.now() - 5_000, nonce: 'abcdefabcd' }
    log.add(sampleRecord(id, { ...logged, status: 'pending' }))
    await accept(true)
    const ended = await records()
    expect(ended).toEqual([expect.objectContaining({ id, ...logged, status: 'upstream_failure' })])
    expect(claims).toEqual([expect.objectContaining({ order: expect.objectContaining(logged) })])
  })

  it('keeps what its gateway had logged of its choices when another brings it to its end', async () => {
    const { accepted, log, records, orphan } = createBench({ kind: 'running' })
    const { requestId, keyId, createdAtMs, nonce } = orphan.order
    const excluded = [{ configKey: 'fal/painter', constraint: 'seed', reason: 'takes no seed' }]
    const routing = { sort: 'price', decisions: [], excluded } as const
    const pending = { ...(keyId !== undefined && { keyId }), createdAtMs, nonce, routing }
    log.add(sampleRecord(requestId, { ...pending, status: 'pending' }))
    await accepted.adoptOrphans()
    expect(await records()).toEqual([
      expect.objectContaining({ id: requestId, status: 'upstream_failure', routing }),
    ])
  })
})
