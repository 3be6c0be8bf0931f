import { expect, it } from 'vitest'
import { createProgressTeller } from '#src/generation/tell-progress.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'

it('paid copies that look if a provider is back are not told of, nor counted', async () => {
  const told: object[] = []
  const clock = createFakeClock(0)
  const { observe } = createProgressTeller((progress) => told.push(progress), clock, { startMs: 0 })
  const target = { offering: { provider: 'gemini', configKey: 'gemini/painter' } }
  const attempt = {
    ...target.offering,
    id: 'a',
    status: 'completed',
    count: 1,
    begunMs: 0,
    durationMs: 7,
    providerMs: 7,
    cost: 0,
  } as const
  const make = async () => ({ attempt })
  const begin = { id: 'a', count: 1, timeoutMs: 10, reason: 'probe' } as const
  await observe?.(target, { ...begin, isProbe: true }, make)
  expect(told).toEqual([])
  expect(await observe?.(target, { ...begin, isProbe: false }, make)).toEqual({ attempt })
  const attemptOne = { type: 'attempt', number: 1, ...target.offering, afterMs: 0 }
  expect(told).toEqual([
    { ...attemptOne, status: 'started', reason: 'probe', timeoutMs: 10 },
    { ...attemptOne, status: 'completed', durationMs: 7 },
  ])
})

it('nobody is told where nobody listens', () => {
  expect(createProgressTeller(undefined, createFakeClock(0), { startMs: 0 })).toEqual({})
})
