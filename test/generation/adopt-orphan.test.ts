import { expect, it } from 'vitest'
import { adoptOrphan } from '#src/generation/adopt-orphan.ts'
import { createGenerationEvents } from '#src/generation/events.ts'
import type { GenerationDependencies } from '#src/generation/generation-dependencies.ts'
import { recordRequests } from '#src/generation/record-requests.ts'
import { createMemoryRequestLog } from '#src/state/memory/memory-request-log.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { sampleRecord } from '#test/state/request-log-samples.ts'
import { orderOf } from '#test/state/run-samples.ts'

it('ends the entry of a request that another gateway began, and adds none', async () => {
  const order = orderOf(1, { nonce: 'abcdefabcd' })
  const log = createMemoryRequestLog()
  const { requestId: id, keyId, createdAtMs, nonce } = order
  const identity = { ...(keyId !== undefined && { keyId }), createdAtMs, nonce }
  log.add(sampleRecord(id, { ...identity, status: 'pending' }))
  const events = createGenerationEvents()
  recordRequests(events, log)
  // No job is left: nothing is generated.
  const deps = { clock: createFakeClock(2_000), events } as unknown as GenerationDependencies
  await adoptOrphan(deps, order, { jobs: [], onJob: () => undefined, onJobLost: () => undefined })
  const { records } = await log.list({ limit: 10 })
  expect(records).toEqual([
    expect.objectContaining({
      id,
      ...identity,
      status: 'upstream_failure',
      errorCode: 'INTERNAL_ERROR',
    }),
  ])
  // What the other gateway waited for providers is not known.
  expect(records[0]).not.toHaveProperty('overheadMs')
})
