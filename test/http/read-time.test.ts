import { describe, expect, it } from 'vitest'
import { readTime } from '#src/http/read-time.ts'

describe('a time in a query', () => {
  it.each([
    ['2026-03-15T14:32:10.5Z', '2026-03-15T14:32:10.500Z'],
    ['2026-03-15T14:32:10', '2026-03-15T14:32:10.000Z'],
    ['2026-03-15T14:32Z', '2026-03-15T14:32:00.000Z'],
    ['2026-03-15', '2026-03-15T00:00:00.000Z'],
    ['2026-03-15T14:32:10+02:00', '2026-03-15T12:32:10.000Z'],
    ['2026-03-15T14:32:10 02:00', '2026-03-15T12:32:10.000Z'],
    ['2026-03-15T14:32:10-02:00', '2026-03-15T16:32:10.000Z'],
    ['1773585130', '2026-03-15T14:32:10.000Z'],
    ['1773585130.25', '2026-03-15T14:32:10.250Z'],
    ['0', '1970-01-01T00:00:00.000Z'],
  ])('may be written as %s', (text, iso) => {
    expect(new Date(readTime(text, 'created_after')).toJSON()).toBe(iso)
  })

  it.each([
    ...['', 'yesterday', '-5', '1773585130000', '2026-13-01', '2026-06-31', '2026-03-15T25:00Z'],
    ...['15.3.2026', '2026-03-15T14:32:10X', 'NaN', '1e9', '2026-03-15T14:32:10+99:00'],
  ])('cannot be %j', (text) => {
    expect(() => readTime(text, 'created_after')).toThrow(
      expect.objectContaining({ code: 'INVALID_REQUEST', options: { param: 'created_after' } }),
    )
  })
})
