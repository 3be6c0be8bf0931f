import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { collect } from '#src/bytes/byte-source.ts'
import { holdBase64, holdBytes } from '#src/bytes/held-bytes.ts'
import { createJsonWithBytes } from '#src/bytes/json-with-bytes.ts'
import type { HeldBytes } from '#src/domain/image-result.ts'
import { cutAt } from './cut-at.ts'

const render = async (parts: readonly HeldBytes[]) => {
  const { place, render: finish } = createJsonWithBytes()
  const body = { first: 'ü"', data: parts.map((bytes) => ({ b64_json: place(bytes) })), last: true }
  const { pieces, sizeBytes } = finish(body)
  const written = (await collect(pieces)).toString()
  return { written, sizeBytes }
}

describe('JSON with bytes', () => {
  it('is the JSON that it would be in one piece, and as long as it says', async () => {
    const part = fc.record({
      array: fc.uint8Array({ maxLength: 50 }),
      cuts: fc.array(fc.nat(70)),
      isBase64: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 4 }), async (parts) => {
        const held = await Promise.all(
          parts.map(async ({ array, cuts, isBase64 }) => {
            const bytes = Buffer.from(array)
            return isBase64
              ? holdBase64(cutAt(Buffer.from(bytes.toString('base64')), cuts))
              : holdBytes(cutAt(bytes, cuts))
          }),
        )
        const { written, sizeBytes } = await render(held)
        const data = parts.map(({ array }) => ({ b64_json: Buffer.from(array).toString('base64') }))
        expect(JSON.parse(written)).toEqual({ first: 'ü"', data, last: true })
        expect(Buffer.byteLength(written)).toBe(sizeBytes)
      }),
    )
  })

  it('joins the pieces of large bytes', async () => {
    const bytes = Buffer.from(Array.from({ length: 2_000_003 }, (_, index) => index * 31))
    const { written, sizeBytes } = await render([holdBytes([bytes]), holdBytes([bytes])])
    expect(Buffer.byteLength(written)).toBe(sizeBytes)
    const { data } = JSON.parse(written) as { data: { b64_json: string }[] }
    for (const { b64_json } of data)
      expect(Buffer.from(b64_json, 'base64').equals(bytes)).toBe(true)
  })

  it('puts the bytes where they were placed, in whatever order that was', async () => {
    const { place, render: finish } = createJsonWithBytes()
    const [first, second] = ['one', 'two'].map((word) => place(holdBytes([Buffer.from(word)])))
    const { pieces, sizeBytes } = finish({ a: `data:;base64,${second}`, b: `${first}` })
    const written = (await collect(pieces)).toString()
    expect(written).toBe('{"a":"data:;base64,dHdv","b":"b25l"}')
    expect(sizeBytes).toBe(written.length)
  })

  it('lets go of what has been written', async () => {
    const held = holdBytes([Buffer.alloc(10), Buffer.alloc(10)])
    await render([held])
    expect(held.pieces).toEqual([])
  })
})
