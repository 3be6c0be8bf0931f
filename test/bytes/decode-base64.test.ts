import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBase64, parseDataUri } from '#src/bytes/base64.ts'
import { collect } from '#src/bytes/byte-source.ts'

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

describe('decodeBase64 of a URI', () => {
  it('reads percent escapes, wherever a piece ends', async () => {
    const original = Buffer.from(Array.from({ length: 900_001 }, (_, index) => index * 7))
    const escaped = encodeURIComponent(original.toString('base64'))
    expect(escaped).toContain('%2B')
    expect((await decode(escaped)).equals(original)).toBe(true)
  })

  it('lets other work run between the pieces of many escapes', async () => {
    let pieces = 0
    for await (const _piece of decodeBase64('%41'.repeat(5_000_000))) pieces += 1
    expect(pieces).toBeGreaterThan(10)
  })
})

describe('parseDataUri', () => {
  it.each([
    ['data:image/png;base64,AAAA', { mediaType: 'image/png', base64: 'AAAA' }],
    ['DATA:image/png;BASE64,AAAA', { mediaType: 'image/png', base64: 'AAAA' }],
    ['data:image/png;charset=x;base64,AA%2B', { mediaType: 'image/png', base64: 'AA%2B' }],
    [`data:${';'.repeat(300)}base64,AAAA`, undefined],
    ['data:;base64,AAAA', { mediaType: '', base64: 'AAAA' }],
    ['data:image/svg+xml,<svg/>', undefined],
    ['data:image/png;base64', undefined],
    ['https://example.com/;base64,AAAA', undefined],
  ])('reads %s', (text, expected) => {
    expect(parseDataUri(text)).toEqual(expected)
  })
})
