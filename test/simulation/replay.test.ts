import { describe, expect, it } from 'vitest'
import { replay, summarize } from '#src/simulation/replay.ts'
import { type ReplayCandidate, type ReplayLine, readReplayLog } from '#src/simulation/replay-log.ts'
import { DEFAULT_SETTINGS, withSetting } from '#src/simulation/settings.ts'

const candidate = (provider: string, priceMicroUsd: number): ReplayCandidate => ({
  provider,
  configKey: `${provider}/painter`,
  tier: '1K',
  priceMicroUsd,
  shortcomings: 0,
})

const line = (request: number, part: Partial<ReplayLine> = {}): ReplayLine => ({
  requestId: `r${request}`,
  isProbe: false,
  model: 'painter',
  provider: 'quick',
  configKey: 'quick/painter',
  mode: 'text_to_image',
  tier: '1K',
  begunMs: 1_000_000 + request * 2_000,
  providerMs: 10_000,
  outcome: 'success',
  candidates: [candidate('quick', 80_000), candidate('slow', 40_000)],
  ...part,
})

const atSlow = { provider: 'slow', configKey: 'slow/painter', providerMs: 40_000 }

/** Requests go to each provider in turn; one is four times slower, and half the price. */
const log = Array.from({ length: 200 }, (_, request) =>
  line(request, request % 2 === 0 ? {} : atSlow),
)

/** A line as the gateway writes it: with more than a replay needs. */
const written = ({ isProbe, ...fields }: ReplayLine, part: object = {}): string =>
  JSON.stringify({ level: 'debug', ...fields, costUsd: 0.08, msg: 'attempt', ...part })

describe('reading a log', () => {
  it('picks attempts and probes out of it, in the order of their begin', async () => {
    const limited = line(2, { outcome: 'rate_limited', kind: 'rate_limited', retryAfterMs: 3_000 })
    const probe = line(1, { isProbe: true })
    const text = [
      written(limited),
      '{"level":"info","msg":"request","attempts":[]}',
      'not json',
      'null',
      '',
      written(line(3, { begunMs: 1 })),
      written(probe, { level: 'info', msg: 'probe' }),
    ]
    expect(await readReplayLog(text)).toEqual({
      lines: [line(3, { begunMs: 1 }), probe, limited],
      unreadable: 0,
      others: 3,
    })
  })

  it('counts attempts that cannot be read', async () => {
    const text = [
      written(line(1), { outcome: 'lost' }),
      written(line(1), { begunMs: '5' }),
      written(line(1), { candidates: [candidate('slow', 1)] }),
      written(line(1), { tier: '9K' }),
    ]
    expect(await readReplayLog(text)).toEqual({ lines: [], unreadable: 4, others: 0 })
  })

  it('passes over attempts that routing did not choose and learnt nothing from', async () => {
    const text = [written(line(1), { outcome: undefined, candidates: undefined })]
    expect(await readReplayLog(text)).toEqual({ lines: [], unreadable: 0, others: 1 })
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

  it('chooses only among what each request could have been sent to', () => {
    const forced = log.map((entry) =>
      entry.provider === 'slow' ? { ...entry, candidates: [candidate('slow', 40_000)] } : entry,
    )
    const choices = replay(forced, [], DEFAULT_SETTINGS).filter(
      ({ line: { candidates } }) => candidates.length === 1,
    )
    expect(new Set(choices.map(({ chosen }) => chosen?.provider))).toEqual(new Set(['slow']))
  })

  it('compares only the first attempt of each request', () => {
    const again = line(0, { begunMs: 1_000_500 })
    expect(replay([...log.slice(0, 1), again], [], DEFAULT_SETTINGS)).toHaveLength(1)
  })

  it('does not take a probe for where a request was sent', () => {
    const probe = line(0, { ...atSlow, isProbe: true })
    const choices = replay([probe, line(0)], [], DEFAULT_SETTINGS)
    expect(choices.map(({ line: { provider } }) => provider)).toEqual(['quick'])
  })

  it('keeps off a provider for as long as it asked to be left alone', () => {
    const limited = line(100, {
      providerMs: 300,
      outcome: 'rate_limited',
      kind: 'rate_limited',
      retryAfterMs: 20_000,
    })
    const during = line(104, atSlow)
    const choices = replay([...log.slice(0, 100), limited, during], [], DEFAULT_SETTINGS)
    expect(choices.slice(-2).map(({ chosen }) => chosen?.provider)).toEqual(['quick', 'slow'])
  })

  it('tries a provider last that has refused the account', () => {
    const refused = line(100, { providerMs: 300, outcome: 'answered', kind: 'auth' })
    const after = line(104, atSlow)
    const choices = replay([...log.slice(0, 100), refused, after], [], DEFAULT_SETTINGS)
    expect(choices.slice(-2).map(({ chosen }) => chosen?.provider)).toEqual(['quick', 'slow'])
  })

  it('leaves attempts of which nothing is known out of the measures of success', () => {
    const unknown = line(200, { outcome: 'abandoned' })
    const summary = summarize(replay([...log, unknown], [], DEFAULT_SETTINGS))
    expect(summary).toMatchObject({ requests: 201, observedSuccess: 1 })
  })
})
