import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tidyBase64 } from '#src/bytes/tidy-base64.ts'
import { cutAt } from './cut-at.ts'

const tidied = async (text: string, cuts: readonly number[] = []) => {
  const pieces: Uint8Array[] = cutAt(Buffer.from(text), cuts)
  const sizeBytes = await tidyBase64(pieces)
  return { sizeBytes, text: Buffer.concat(pieces).toString() }
}

describe('tidyBase64', () => {
  it('pads what is not padded, or too much, wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 60 }),
        fc.array(fc.nat(90)),
        fc.nat(3),
        async (bytes, cuts, padding) => {
          const text = Buffer.from(bytes).toString('base64')
          const bare = `${text.replaceAll('=', '')}${'='.repeat(padding)}`
          expect(await tidied(bare, cuts)).toEqual({ sizeBytes: bytes.length, text })
        },
      ),
    )
  })

  it('clears bits that belong to no byte', async () => {
    expect(await tidied('QUJDRR==')).toEqual({ sizeBytes: 4, text: 'QUJDRQ==' })
  })

  it.each(['QUJ', 'QUJDR'])('knows a text of %s', async (text) => {
    expect((await tidied(text)).sizeBytes).toBe(text.length % 4 === 1 ? undefined : 2)
  })

  it.each(['QU-D', 'QU_D', 'QU\nJD', 'QU=D', 'QU%3D', 'QUé', '"'])(
    'leaves %j to be decoded',
    async (text) => {
      expect((await tidied(text)).sizeBytes).toBeUndefined()
    },
  )
})
