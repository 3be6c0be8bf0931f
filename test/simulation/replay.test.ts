import { describe, expect, it } from 'vitest'
import { replay, summarize } from '#src/simulation/replay.ts'
import { type ReplayLine, readReplayLog } from '#src/simulation/replay-log.ts'
import { DEFAULT_SETTINGS, withSetting } from '#src/simulation/settings.ts'

const line = (request: number, part: Partial<ReplayLine> = {}): ReplayLine => ({
  model: 'painter',
  provider: 'quick',
  configKey: 'quick/painter',
  mode: 'text_to_image',
  tier: '1K',
  begunMs: 1_000_000 + request * 2_000,
  durationMs: 10_000,
  outcome: 'success',
  requestId: `r${request}`,
  pricePerImage: 0.08,
  ...part,
})

/** Requests go to each provider in turn; one is four times slower, and half the price. */
const log = Array.from({ length: 200 }, (_, request) =>
  request % 2 === 0
    ? line(request)
    : line(request, {
        provider: 'slow',
        configKey: 'slow/painter',
        durationMs: 40_000,
        pricePerImage: 0.04,
      }),
)

describe('reading a log', () => {
  it('sorts attempts by their begin and counts lines that are none', () => {
    const text = [
      JSON.stringify(line(2)),
      '{"model":"painter"}',
      JSON.stringify({ ...line(3), outcome: 'lost' }),
      'not json',
      '',
      JSON.stringify({ ...line(1), unknown: true }),
    ].join('\n')
    expect(readReplayLog(text)).toEqual({ lines: [line(1), line(2)], skipped: 3 })
  })
})

describe('replaying a log', () => {
  it('sends first tries to the faster provider and says what that is worth', () => {
    const choices = replay(log, [], DEFAULT_SETTINGS)
    const late = choices.slice(100)
    expect(new Set(late.map(({ chosen }) => chosen?.provider))).toEqual(new Set(['quick']))
    const summary = summarize(late)
    expect(summary).toMatchObject({ requests: 100, observedSuccess: 1, judged: 100 })
    expect(summary.sameFirst).toBe(0.5)
    expect(summary.chosenSeconds).toBeCloseTo(10, 6)
    expect(summary.loggedSeconds).toBeCloseTo(25, 6)
    expect(summary.brier).toBeLessThan(0.02)
    expect(summary.logLatencyError).toBeLessThan(0.2)
  })

  it('follows the settings', () => {
    const choices = replay(log, [], withSetting(DEFAULT_SETTINGS, 'sort=price'))
    const late = choices.slice(100)
    expect(new Set(late.map(({ chosen }) => chosen?.provider))).toEqual(new Set(['slow']))
  })

  it('compares only the first attempt of each request', () => {
    const again = line(0, { begunMs: 1_000_500, requestId: 'r0' })
    expect(replay([...log.slice(0, 1), again], [], DEFAULT_SETTINGS)).toHaveLength(1)
  })
})
