import { describe, expect, it } from 'vitest'
import { createBusyCount } from '#src/domain/busy-count.ts'
import { systemClock } from '#src/domain/clock.ts'
import type { KeptAnswer } from '#src/domain/image-answer.ts'
import type { RunOrder } from '#src/domain/run-store.ts'
import { createAcceptedRequests } from '#src/generation/accepted-requests.ts'
import { createGenerationEvents } from '#src/generation/events.ts'
import type { GenerationDependencies } from '#src/generation/generation-dependencies.ts'
import { createMemoryRequestLog } from '#src/state/memory/memory-request-log.ts'
import { createMemoryRunStore } from '#src/state/memory/memory-run-store.ts'

const answer: KeptAnswer = { kind: 'error', code: 'TIMEOUT', message: 'Too late.', status: 504 }

const order: RunOrder = {
  requestId: 'req_1',
  endpoint: '/v1/images/generations',
  mode: 'text_to_image',
  modelId: 'model',
  wanted: { responseFormat: 'url' },
  count: 1,
  createdAtMs: 1_000,
  nonce: '0123456789',
  deadlineAtMs: 2_000,
  webhookUrl: 'https://example.com/hook',
  baseUrl: 'https://gateway.test',
}

/** Takes over a run of which only the webhook is left. */
const takeOver = async (given: RunOrder, notify: () => Promise<boolean>) => {
  const told: [RunOrder, KeptAnswer][] = []
  const settled: string[] = []
  const detached = createBusyCount()
  const accepted = createAcceptedRequests({
    // Nothing is generated here.
    generation: {
      clock: systemClock,
      events: createGenerationEvents(),
    } as unknown as GenerationDependencies,
    runs: {
      ...createMemoryRunStore({ clock: systemClock }),
      adoptOrphans: async () => [{ runId: 'run-1', order: given, jobs: [], answer }],
      settle: async (runId) => void settled.push(runId),
    },
    requestLog: createMemoryRequestLog(),
    notify: (...call) => {
      told.push(call)
      return notify()
    },
    detached,
  })
  await accepted.adoptOrphans()
  await detached.untilNone()
  return { told, settled }
}

describe('a run of which only the webhook is left', () => {
  it('is settled once that is told or given up', async () => {
    expect(await takeOver(order, async () => true)).toEqual({
      told: [[order, answer]],
      settled: ['run-1'],
    })
  })

  it('is left to another gateway when this one stopped before', async () => {
    expect(await takeOver(order, async () => false)).toEqual({
      told: [[order, answer]],
      settled: [],
    })
  })

  it('is settled at once without a webhook', async () => {
    const { webhookUrl: _absent, ...silent } = order
    expect(await takeOver(silent, async () => false)).toEqual({ told: [], settled: ['run-1'] })
  })
})
