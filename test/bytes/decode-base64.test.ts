import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { charactersOf } from '#src/bytes/base64-characters.ts'
import { collect } from '#src/bytes/byte-source.ts'
import { decodeBase64 } from '#src/bytes/decode-base64.ts'
import { cutAt } from './cut-at.ts'

const decode = (text: string) => collect(decodeBase64(charactersOf(text)))

describe('decodeBase64', () => {
  it('gives back any bytes, from base64 and base64url, wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.array(fc.nat(400)),
        fc.constantFrom<BufferEncoding>('base64', 'base64url'),
        async (bytes, cuts, encoding) => {
          const original = Buffer.from(bytes)
          const pieces = cutAt(Buffer.from(original.toString(encoding)), cuts)
          expect(await collect(decodeBase64(pieces))).toEqual(original)
          expect(pieces).toEqual([])
        },
      ),
    )
  })

  it('passes over line breaks and reads percent escapes, wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 100 }),
        fc.array(fc.nat(200)),
        async (bytes, cuts) => {
          const original = Buffer.from(bytes)
          const lines = original.toString('base64').replace(/.{7}/g, '$&\r\n')
          const escaped = encodeURIComponent(original.toString('base64'))
          expect(escaped).not.toMatch(/[+/=]/)
          for (const text of [lines, escaped]) {
            expect(await collect(decodeBase64(cutAt(Buffer.from(text), cuts)))).toEqual(original)
          }
        },
      ),
    )
  })

  it('decodes long text in pieces, line breaks or not', async () => {
    const original = Buffer.alloc(2_000_003, 'fresnel')
    const text = original.toString('base64')
    const pieces = []
    for await (const piece of decodeBase64(charactersOf(text))) pieces.push(piece.length)
    expect(pieces.length).toBe(3)
    expect(Math.max(...pieces)).toBeLessThan(800_000)
    expect((await decode(text)).equals(original)).toBe(true)
    const lines = text.replace(/.{76}/g, '$&\r\n')
    expect((await decode(lines)).equals(original)).toBe(true)
  })

  it('lets other work run between its pieces', async () => {
    let turns = 0
    const count = (): void => {
      turns += 1
      immediate = setImmediate(count)
    }
    let immediate = setImmediate(count)
    await decode('%41'.repeat(5_000_000))
    clearImmediate(immediate)
    expect(turns).toBeGreaterThan(3)
  })
})
