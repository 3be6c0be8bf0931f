import { describe, expect, it } from 'vitest'
import { readRetryAfterMs, secondsToMs } from '#providers/lib/retry-after.ts'

describe('secondsToMs', () => {
  it.each([
    [5, 5_000],
    [0.25, 250],
    ['26s', 26_000],
    ['0.5s', 500],
    ['3.25', 3_250],
    ['soon', undefined],
    [-1, undefined],
    [null, undefined],
  ])('reads %j as %j ms', (value, expected) => {
    expect(secondsToMs(value)).toBe(expected)
  })
})

describe('readRetryAfterMs', () => {
  it.each([
    ['whole seconds', { 'retry-after': '12' }, 12_000],
    ['fractions of a second', { 'retry-after': '0.3' }, 300],
    [
      'a date, counted from the date of the answer',
      { 'retry-after': 'Fri, 20 Nov 2026 10:00:30 GMT', date: 'Fri, 20 Nov 2026 10:00:00 GMT' },
      30_000,
    ],
    [
      'a date that is over as no wait',
      { 'retry-after': 'Fri, 20 Nov 2026 09:00:00 GMT', date: 'Fri, 20 Nov 2026 10:00:00 GMT' },
      0,
    ],
    [
      'a date of an answer without its own date as nothing',
      { 'retry-after': 'Fri, 20 Nov 2026 10:00:30 GMT' },
      undefined,
    ],
    ['an absent header as nothing', {}, undefined],
  ])('reads %s', (_name, headers, expected) => {
    expect(readRetryAfterMs(headers)).toBe(expected)
  })
})
