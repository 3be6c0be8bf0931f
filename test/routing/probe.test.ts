import { describe, expect, it } from 'vitest'
import { systemClock } from '#src/domain/clock.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { fail, freshRouting, run, untilAborted } from './failover-harness.ts'

/** Routing to which another gateway said that gemini is down, and that may send one probe. */
const withProbe = (probe: 'duplicate' | 'live', timeScale = 1) => {
  const routing = freshRouting({ probe }, timeScale)
  const nowMs = routing.clock.nowMs()
  const circuit = { state: 'open', sinceMs: nowMs - 2, untilMs: nowMs - 1, openings: 1 } as const
  routing.tracker.adoptHealth(`${FIRST_MODEL}:gemini`, { circuit })
  routing.tracker.grantProbe(`${FIRST_MODEL}:gemini`, nowMs)
  const gemini = { modelId: FIRST_MODEL, provider: 'gemini' }
  return { routing, health: () => routing.tracker.healthOf(gemini, routing.clock.nowMs()) }
}
const ended = (probes: readonly unknown[]) =>
  expect.poll(() => probes.length, { interval: 2 }).toBe(1)

describe('a duplicate probe', () => {
  it('asks for one image beside the request, whose answer does not wait for it', async () => {
    const { routing, health } = withProbe('duplicate')
    const probed = Promise.withResolvers<void>()
    const result = await run(
      async (provider, count) => {
        if (provider === 'gemini') await probed.promise
        return Array.from({ length: count }, () => provider)
      },
      { routing, count: 2, preferences: { sort: 'latency' } },
    )
    expect(result.items).toEqual(['fal', 'fal'])
    expect(result.calls).toEqual(['gemini 1', 'fal 2'])
    expect(health()).toMatchObject({ isOpen: true, inFlight: 1, firstInFlight: 0 })
    probed.resolve()
    await ended(result.probes)
    expect(result.probes).toMatchObject([{ provider: 'gemini', status: 'completed', cost: 100 }])
    expect(result.attempts.map(({ provider }) => provider)).toEqual(['fal'])
    expect(health()).toMatchObject({ isOpen: false, inFlight: 0 })
  })

  it('that fails leaves the request as it is and opens the circuit for longer', async () => {
    const { routing, health } = withProbe('duplicate')
    const result = await run(
      async (provider) => {
        if (provider === 'gemini') throw fail('overloaded')
        return [provider]
      },
      { routing },
    )
    expect(result.items).toEqual(['fal'])
    await ended(result.probes)
    expect(health()).toMatchObject({ isOpen: true, circuit: { openings: 2 } })
  })

  it('that hangs ends after its own time', async () => {
    const { routing, health } = withProbe('duplicate', 5_000)
    const result = await run(
      (provider, _count, { signal }) =>
        provider === 'gemini' ? untilAborted(signal) : Promise.resolve([provider]),
      { routing },
    )
    await ended(result.probes)
    expect(result.probes).toMatchObject([{ failure: { details: { kind: 'timeout' } } }])
    expect(health()).toMatchObject({ isOpen: true, inFlight: 0, circuit: { openings: 2 } })
  })

  it('runs on when the client leaves: it is paid for to be learnt from', async () => {
    const { routing, health } = withProbe('duplicate')
    const client = new AbortController()
    let answer = (_images: string[]) => {}
    const result = await run(
      (provider) =>
        provider === 'gemini'
          ? new Promise((resolve) => {
              answer = resolve
            })
          : Promise.resolve([provider]),
      { routing, gone: client.signal },
    )
    client.abort()
    answer(['gemini'])
    await ended(result.probes)
    expect(result.probes).toMatchObject([{ status: 'completed' }])
    expect(health()).toMatchObject({ isOpen: false })
  })

  it("has the time that is usual there, whatever the client's deadline is", async () => {
    const { routing } = withProbe('duplicate')
    let givenMs = 0
    const result = await run(
      async (provider, _count, { timeoutMs }) => {
        if (provider === 'gemini') givenMs = timeoutMs
        return [provider]
      },
      { routing, deadlineMs: systemClock.monotonicMs() + 5_000 },
    )
    await ended(result.probes)
    expect(givenMs).toBeGreaterThan(60_000)
  })
})

describe('a live probe', () => {
  it('is the request itself, which is served elsewhere when it fails', async () => {
    const { routing, health } = withProbe('live')
    const { items, calls, probes } = await run(
      async (provider) => {
        if (provider === 'gemini') throw fail('overloaded')
        return [provider]
      },
      { routing },
    )
    expect([items, calls, probes]).toEqual([['fal'], ['gemini 1', 'fal 1'], []])
    expect(health()).toMatchObject({ isOpen: true, circuit: { openings: 2 } })
  })

  it('that serves closes the circuit', async () => {
    const { routing, health } = withProbe('live')
    const { items } = await run(async (provider) => [provider], { routing })
    expect(items).toEqual(['gemini'])
    expect(health().isOpen).toBe(false)
  })
})
