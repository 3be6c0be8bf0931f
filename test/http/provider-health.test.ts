import { describe, expect, it } from 'vitest'
import { createRoutingClock } from '#src/domain/routing-clock.ts'
import { createHealthOf } from '#src/http/provider-health.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'

const START_MS = Date.parse('2026-11-20T12:30:00Z')
const clock = createRoutingClock(createFakeClock(START_MS), 10)
const nowMs = clock.nowMs()
const configuredProviders = new Set(['gemini'])

describe('health', () => {
  const closed = { state: 'closed', sinceMs: 0, untilMs: 0, openings: 0 } as const
  const healthOf = (view: object) =>
    createHealthOf({
      tracker: {
        healthOf: () => ({
          isOpen: false,
          circuit: closed,
          slowStartLimit: 2,
          firstInFlight: 0,
          inFlight: 3,
          endsPerMs: 0,
          hasProbe: false,
          lastSeenMs: 0,
          ...view,
        }),
      },
      clock,
      configuredProviders,
    })(FIRST_MODEL, 'gemini')
  const open = (untilMs: number) => ({
    isOpen: true,
    circuit: { state: 'open', sinceMs: nowMs - 1, untilMs, openings: 1 },
  })
  const pause = (reason: string) => ({
    pause: { reason, sinceMs: nowMs, untilMs: nowMs + 20_000 },
  })
  const untilMs = START_MS + 2_000

  it.each([
    ['as usual', {}, { status: 'ok' }],
    ['open', open(nowMs + 10_000), { status: 'open', untilMs: START_MS + 1_000 }],
    ['waiting for a probe', open(nowMs), { status: 'open' }],
    ['rate limited', pause('rate_limited'), { status: 'rate_limited', untilMs }],
    ['taken out', pause('taken_out'), { status: 'taken_out', untilMs }],
    ['open and rate limited', { ...open(nowMs), ...pause('rate_limited') }, { status: 'open' }],
    [
      'open and taken out',
      { ...open(nowMs), ...pause('taken_out') },
      { status: 'taken_out', untilMs },
    ],
  ])('is told in real time: %s', (_name, view, expected) => {
    expect(healthOf(view)).toEqual({ inFlight: 3, ...expected })
  })

  it('is not known of a provider that is not configured', () => {
    const neverAsked = () => {
      throw new Error('asked')
    }
    const source = { tracker: { healthOf: neverAsked }, clock, configuredProviders }
    expect(createHealthOf(source)(FIRST_MODEL, 'vertex')).toBeUndefined()
  })
})
