import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { collect } from '#src/bytes/byte-source.ts'
import { base64Length, encodeBase64 } from '#src/bytes/encode-base64.ts'
import { cutAt } from './cut-at.ts'

describe('encodeBase64', () => {
  it('is one base64 text, wherever the bytes are cut, and as long as told', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 100 }),
        fc.array(fc.nat(120)),
        async (array, cuts) => {
          const bytes = Buffer.from(array)
          const pieces = cutAt(bytes, cuts)
          const encoded = await collect(encodeBase64(pieces))
          expect(encoded.toString()).toBe(bytes.toString('base64'))
          expect(encoded).toHaveLength(base64Length(bytes.length))
          expect(pieces).toEqual([])
        },
      ),
    )
  })

  it('encodes large pieces in slices', async () => {
    const bytes = Buffer.from(Array.from({ length: 2_000_003 }, (_, index) => index * 31))
    const encoded: Buffer[] = []
    for await (const piece of encodeBase64([bytes])) encoded.push(piece)
    expect(Math.max(...encoded.map(({ length }) => length))).toBeLessThan(1_100_000)
    expect(Buffer.concat(encoded).toString()).toBe(bytes.toString('base64'))
  })
})
