import { describe, expect, it } from 'vitest'
import { isKnownToCaller, isRangeWanted, readByteRange } from '#src/http/byte-range.ts'

describe('readByteRange', () => {
  it.each([
    ['bytes=0-0', { firstByte: 0, lastByte: 0 }],
    ['bytes=2-', { firstByte: 2, lastByte: 9 }],
    ['bytes=2-5', { firstByte: 2, lastByte: 5 }],
    ['bytes=2-500', { firstByte: 2, lastByte: 9 }],
    ['bytes=-3', { firstByte: 7, lastByte: 9 }],
    ['bytes=-300', { firstByte: 0, lastByte: 9 }],
    ['Bytes = 9-9 ', { firstByte: 9, lastByte: 9 }],
    ['bytes=0-1,4-5', 'whole'],
    ['pages=0-1', 'whole'],
    ['nonsense', 'whole'],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=5-4', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=-', 'unsatisfiable'],
    ['bytes=a-b', 'unsatisfiable'],
    ['bytes=1-2-3', 'unsatisfiable'],
  ])('reads %j of ten bytes as %j', (header, expected) => {
    expect(readByteRange(header, 10)).toEqual(expected)
  })

  it('finds no range in nothing', () => {
    expect([readByteRange('bytes=0-', 0), readByteRange('bytes=-1', 0)]).toEqual([
      'unsatisfiable',
      'unsatisfiable',
    ])
  })
})

describe('isKnownToCaller', () => {
  it.each([
    [undefined, false],
    ['"a"', true],
    ['W/"a"', true],
    ['"b", "a"', true],
    ['*', true],
    ['"b"', false],
    ['a', false],
  ])('takes if-none-match %j of "a" as %s', (header, expected) => {
    expect(isKnownToCaller(header, '"a"')).toBe(expected)
  })
})

describe('isRangeWanted', () => {
  it.each([
    [undefined, true],
    ['"a"', true],
    ['W/"a"', false],
    ['"b"', false],
    ['Wed, 21 Oct 2026 07:28:00 GMT', false],
  ])('takes if-range %j of "a" as %s', (header, expected) => {
    expect(isRangeWanted(header, '"a"')).toBe(expected)
  })
})
