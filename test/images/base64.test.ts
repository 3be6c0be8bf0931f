import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBase64, parseDataUri } from '#src/images/base64.ts'
import { collect } from '#src/images/byte-source.ts'

const decode = (text: string) => collect(decodeBase64(text))

describe('decodeBase64', () => {
  it('gives back any bytes, from base64 and base64url', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const original = Buffer.from(bytes)
        expect(await decode(original.toString('base64'))).toEqual(original)
        expect(await decode(original.toString('base64url'))).toEqual(original)
      }),
    )
  })

  it('decodes long text in pieces, line breaks or not', async () => {
    const original = Buffer.alloc(2_000_003, 'fresnel')
    const text = original.toString('base64')
    const pieces = []
    for await (const piece of decodeBase64(text)) pieces.push(piece.length)
    expect(pieces).toEqual([786_432, 786_432, 427_139])
    expect((await decode(text)).equals(original)).toBe(true)
    const lines = text.replace(/.{76}/g, '$&\r\n')
    expect((await decode(lines)).equals(original)).toBe(true)
  })
})

describe('parseDataUri', () => {
  it.each([
    ['data:image/png;base64,AAAA', { mediaType: 'image/png', base64: 'AAAA' }],
    ['DATA:image/png;BASE64,AAAA', { mediaType: 'image/png', base64: 'AAAA' }],
    ['data:image/png;charset=x;base64,AA%2B%3d', { mediaType: 'image/png', base64: 'AA+=' }],
    ['data:;base64,AAAA', { mediaType: '', base64: 'AAAA' }],
    ['data:image/svg+xml,<svg/>', undefined],
    ['data:image/png;base64', undefined],
    ['https://example.com/;base64,AAAA', undefined],
  ])('reads %s', (text, expected) => {
    expect(parseDataUri(text)).toEqual(expected)
  })
})
