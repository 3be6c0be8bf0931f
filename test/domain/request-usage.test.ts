import { describe, expect, it } from 'vitest'
import { type RequestFigures, UsageTally } from '#src/domain/request-usage.ts'

const HOUR = 3_600_000
const NOW = Date.parse('2026-11-21T12:30:00Z')
const SPAN = { fromMs: NOW - 24 * HOUR, toMs: NOW, intervalMs: HOUR }

const figures = (part: Partial<RequestFigures> = {}): RequestFigures => ({
  createdAtMs: NOW,
  status: 'completed',
  model: 'm',
  cost: 0,
  ...part,
})

const tallyOf = (all: Iterable<RequestFigures>) => {
  const tally = new UsageTally(SPAN)
  for (const each of all) tally.add(each)
  return tally.usage()
}

describe('a tally of requests', () => {
  it('has every interval, also those without a request, cut by the ends of the span', () => {
    const { intervals } = tallyOf([
      figures({ createdAtMs: SPAN.fromMs }),
      figures({ createdAtMs: NOW + 60_000 }),
      // A clock of another gateway that leads.
      figures({ createdAtMs: NOW + 2 * HOUR }),
    ])
    expect(intervals.map(({ atMs }) => new Date(atMs).toISOString())).toEqual(
      Array.from({ length: 25 }, (_, index) =>
        new Date(Date.parse('2026-11-20T12:00:00Z') + index * HOUR).toISOString(),
      ),
    )
    const requests = intervals.map((interval) => interval.requests)
    expect(requests).toEqual([1, ...Array(23).fill(0), 2])
  })

  it('tells quantiles of those that completed, and overhead below a millisecond', () => {
    const spread = Array.from({ length: 1_000 }, (_, index) =>
      figures({ durationMs: 10_000 + 20 * index, overheadMs: 0.5 + index / 1_000 }),
    )
    const failed = figures({ status: 'upstream_failure', durationMs: 1, overheadMs: 900 })
    const { totals, overhead } = tallyOf([...spread, failed])
    const near = (actual: number | undefined, expected: number) =>
      expect(Math.abs((actual ?? 0) / expected - 1)).toBeLessThan(0.06)
    near(totals.durations.p50Ms, 20_000)
    near(totals.durations.p95Ms, 29_000)
    expect(totals.durations.meanMs).toBeCloseTo(19_990)
    near(overhead.p50Ms, 1)
    near(overhead.p95Ms, 1.45)
  })

  it('is exact where all are the same, and takes nothing for a number', () => {
    const same = Array.from({ length: 3 }, () => figures({ durationMs: 26_000, overheadMs: 0 }))
    const { totals, overhead } = tallyOf(same)
    expect(totals.durations.p50Ms).toBeCloseTo(26_000)
    expect(totals.durations.p95Ms).toBeCloseTo(26_000)
    expect([overhead.p50Ms, overhead.meanMs]).toEqual([expect.closeTo(0.1), 0])
    const unknown = tallyOf([figures()])
    expect(unknown.totals).toMatchObject({ requests: 1, durations: { p50Ms: undefined } })
  })

  it('tells a bounded number of names apart, and real models also among many that are none', () => {
    const wild = Array.from({ length: 300 }, (_, index) =>
      figures({ model: `wild-${index}`, status: 'rejected' }),
    )
    const tried = Array.from({ length: 600 }, (_, index) =>
      figures({ model: `tried-${index}`, provider: `p-${index}`, cost: index }),
    )
    const { models, providers } = tallyOf([...wild, ...tried])
    expect(models).toHaveLength(501)
    expect(models[0]?.name).toBe('tried-399')
    expect(models.at(-1)).toMatchObject({ name: undefined, requests: 400 })
    expect(models.reduce((sum, { requests }) => sum + requests, 0)).toBe(900)
    expect([providers.length, providers.at(-1)?.requests]).toEqual([501, 100])
  })

  it('has the dearest first, then those asked for most', () => {
    const { models } = tallyOf([
      figures({ model: 'b' }),
      figures({ model: 'c' }),
      figures({ model: 'c' }),
      figures({ model: 'a' }),
      figures({ model: 'dear', cost: 1 }),
    ])
    expect(models.map(({ name }) => name)).toEqual(['dear', 'c', 'a', 'b'])
  })
})
