import { text } from 'node:stream/consumers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createJsonWithBytes } from '#src/bytes/json-with-bytes.ts'

const render = async (parts: readonly Buffer[]) => {
  const { place, render: finish } = createJsonWithBytes()
  const body = { first: 'ü"', data: parts.map((bytes) => ({ b64_json: place(bytes) })), last: true }
  const { stream, sizeBytes } = finish(body)
  const written = await text(stream)
  return { written, sizeBytes }
}

describe('JSON with bytes', () => {
  it('is the JSON that it would be in one piece, and as long as it says', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 4 }),
        async (arrays) => {
          const parts = arrays.map((array) => Buffer.from(array))
          const { written, sizeBytes } = await render(parts)
          const data = parts.map((bytes) => ({ b64_json: bytes.toString('base64') }))
          expect(JSON.parse(written)).toEqual({ first: 'ü"', data, last: true })
          expect(Buffer.byteLength(written)).toBe(sizeBytes)
        },
      ),
    )
  })

  it('joins the pieces of large bytes', async () => {
    const bytes = Buffer.from(Array.from({ length: 2_000_003 }, (_, index) => index * 31))
    const { written, sizeBytes } = await render([bytes, bytes])
    expect(Buffer.byteLength(written)).toBe(sizeBytes)
    const { data } = JSON.parse(written) as { data: { b64_json: string }[] }
    for (const { b64_json } of data)
      expect(Buffer.from(b64_json, 'base64').equals(bytes)).toBe(true)
  })
})
