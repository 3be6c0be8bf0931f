import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isBase64, isStandardBase64 } from '#src/bytes/is-base64.ts'

describe('isBase64 and isStandardBase64', () => {
  it('tell what a pattern tells', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc.string({
        unit: fc.constantFrom('A', 'z', '9', '+', '/', '-', '_', '=', ' ', '\n', '%', 'é'),
      }),
    )
    fc.assert(
      fc.property(bytes, (given) => {
        const piece = Buffer.from(given as string)
        const text = piece.toString('latin1')
        expect(isBase64(piece)).toBe(/^[A-Za-z0-9+/_-]*$/.test(text))
        expect(isStandardBase64(piece)).toBe(/^[A-Za-z0-9+/]*$/.test(text))
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([262_143, 262_144, 262_145, 262_148, 600_001])(
    'find one wrong character among %i, wherever it is',
    (length) => {
      const piece = Buffer.alloc(length, 'Aa0+')
      expect(isStandardBase64(piece)).toBe(true)
      for (const place of [0, 1, length >> 1, 262_142, length - 2, length - 1]) {
        const wrong = Buffer.from(piece)
        wrong[place] = 0x21
        expect(isBase64(wrong)).toBe(false)
      }
    },
  )
})
