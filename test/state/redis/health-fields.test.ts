import { describe, expect, it } from 'vitest'
import { HealthLedger } from '#src/state/redis/health-fields.ts'

const KEY = 'google/painter:fal'
const pause = (sinceMs: number, untilMs: number) =>
  ({ key: KEY, pause: { reason: 'rate_limited', sinceMs, untilMs } }) as const
const circuit = (sinceMs: number) =>
  ({ key: KEY, circuit: { state: 'open', sinceMs, untilMs: sinceMs + 10, openings: 2 } }) as const

describe('what a gateway tells of health', () => {
  it('is one message for each key, in the time of Redis and whole milliseconds', () => {
    const ledger = new HealthLedger('me')
    ledger.add(circuit(100.4))
    ledger.add(pause(100, 200))
    ledger.add({ key: KEY, resumeBegunMs: 50 })
    expect(ledger.take(1_000).map(({ message }) => message)).toEqual([
      {
        key: KEY,
        circuit: '1100 open 1110 2 me',
        resume: '1050',
        pause: '1200 rate_limited 1100 me',
      },
    ])
    expect(ledger.take(0)).toEqual([])
  })

  it('is told again when it did not arrive, unless there is news', () => {
    const ledger = new HealthLedger('me')
    ledger.add(circuit(100))
    ledger.add(pause(100, 200))
    const [taken] = ledger.take(0)
    ledger.add(circuit(300))
    ledger.add({ key: KEY, resumeBegunMs: 150 })
    taken?.putBack()
    expect(ledger.take(0).map(({ message }) => message)).toEqual([
      { key: KEY, circuit: '300 open 310 2 me', resume: '150', pause: '' },
    ])
  })
})

describe('what a gateway hears of health', () => {
  it('is looked at again when it was not believed, as of a time to come', () => {
    const ledger = new HealthLedger('me')
    const hash = { [`${KEY}|c`]: '200000 open 210000 1 other' }
    expect(ledger.hear(hash, { nowMs: 100_000, aheadMs: 0 })).toEqual([])
    const later = { nowMs: 150_000, aheadMs: 0 }
    expect(ledger.hear(hash, later).map(([key]) => key)).toEqual([KEY])
    expect(ledger.hear(hash, later)).toEqual([])
  })

  it('is what others told, once, by its own clock', () => {
    const ledger = new HealthLedger('me')
    const hash = {
      [`${KEY}|c`]: '1100 closed 0 0 other',
      [`${KEY}|p`]: '1200 taken_out 1100 other',
      [`${KEY}|r`]: '1050',
      'x:y|c': '1 open 2 1 me',
    }
    expect(ledger.hear(hash, { nowMs: 500, aheadMs: 1_000 })).toEqual([
      [
        KEY,
        {
          circuit: { state: 'closed', sinceMs: 100, untilMs: 0, openings: 0 },
          pause: { reason: 'taken_out', sinceMs: 100, untilMs: 200 },
          resumedMs: 50,
        },
      ],
    ])
    expect(ledger.hear(hash, { nowMs: 503, aheadMs: 1_003 })).toEqual([])
  })

  it('is no pause that this gateway is about to end', () => {
    const ledger = new HealthLedger('me')
    ledger.add({ key: KEY, resumeBegunMs: 150 })
    expect(
      ledger.hear({ [`${KEY}|p`]: '1200 rate_limited 1100 other' }, { nowMs: 500, aheadMs: 1_000 }),
    ).toEqual([])
  })

  it('is nothing from the future, and nothing that lasts for ever', () => {
    const ledger = new HealthLedger('me')
    const [nowMs, aheadMs] = [10_000_000, 0]
    const [soonMs, tooLateMs] = [nowMs + 60_000, nowMs + 60_001]
    const hash = {
      'a|c': `${tooLateMs} open ${tooLateMs + 1} 1 other`,
      'b|c': `${nowMs} open ${nowMs + 3_600_001} 1 other`,
      'c|c': '1e300 open 1e300 1 other',
      'd|c': `${nowMs} open ${nowMs} 1000001 other`,
      'e|p': `${tooLateMs + 1} taken_out ${tooLateMs} other`,
      'f|p': `${nowMs + 3_600_001} taken_out ${nowMs} other`,
      'g|r': `${tooLateMs}`,
      'h|r': `${soonMs}`,
    }
    expect(ledger.hear(hash, { nowMs, aheadMs })).toEqual([['h', { resumedMs: soonMs }]])
  })

  it('leaves out what it cannot read', () => {
    const ledger = new HealthLedger('me')
    const hash = {
      a: '1',
      'k|c': 'x open y z other',
      'k|p': '1 holiday 2 other',
      'l|p': '1 taken_out other',
    }
    expect(ledger.hear(hash, { nowMs: 500, aheadMs: 0 })).toEqual([])
  })
})
