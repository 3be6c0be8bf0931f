import { describe, expect, it } from 'vitest'
import { accountOf } from '#src/domain/spending.ts'

const DAY_MS = 24 * 3_600_000

describe('the account that a request is paid from', () => {
  it.each([
    ['day', '2026-11-30T23:59:59.999Z', '2026-11-30', 3 * DAY_MS],
    ['day', '2026-12-01T00:00:00.000Z', '2026-12-01', 3 * DAY_MS],
    ['month', '2026-11-30T23:59:59.999Z', '2026-11', 34 * DAY_MS],
    ['month', '2026-12-01T00:00:00.000Z', '2026-12', 34 * DAY_MS],
    ['month', '2027-01-01T00:30:00.000+01:00', '2026-12', 34 * DAY_MS],
  ] as const)('is by UTC: a %s at %s is %s', (period, at, expected, keptMs) => {
    expect(accountOf('key_a', { limit: 1, period }, Date.parse(at))).toEqual({
      keyId: 'key_a',
      limit: 1,
      period: expected,
      keptMs,
    })
  })

  it('is one for good without a period', () => {
    const account = accountOf('key_a', { limit: 1, period: 'total' }, Date.now())
    expect(account).toEqual({ keyId: 'key_a', limit: 1, period: 'total' })
  })
})
