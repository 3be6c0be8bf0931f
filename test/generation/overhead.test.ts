import { expect, it } from 'vitest'
import { createDecisionTrace, overheadMsOf } from '#src/generation/decision-trace.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'

it('what the gateway itself took is all but the waiting for providers, where that is known', async () => {
  const clock = createFakeClock(0)
  const trace = createDecisionTrace('req_1', clock)
  clock.advance(30)
  await trace.upstream.measure(async () => clock.advance(5_000))
  clock.advance(12)
  expect(overheadMsOf(trace, clock)).toBe(42)
  expect(overheadMsOf({ ...trace, isTakenOver: true }, clock)).toBeUndefined()
})
