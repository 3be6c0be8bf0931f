import { buffer } from 'node:stream/consumers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inPieces } from '#src/bytes/pieces.ts'
import { createTextWithBytes, type RenderedText } from '#src/bytes/text-with-bytes.ts'

const read = async (rendered: RenderedText | undefined): Promise<Buffer> => {
  if (!rendered) throw new Error('No mark was found')
  const bytes = await buffer(rendered.stream)
  expect(rendered.sizeBytes).toBe(bytes.length)
  return bytes
}

describe('createTextWithBytes', () => {
  it('writes the base64 of what was placed in the place of each mark, whatever their order', async () => {
    const { place, render } = createTextWithBytes()
    const [image, mask] = [
      place(inPieces([Buffer.from('image')])),
      place(inPieces([Buffer.from('mask')])),
    ]
    const text = JSON.stringify({
      mask: `data:image/png;base64,${mask}`,
      image,
      again: mask,
      é: '\u{1f58c}',
    })
    const written = JSON.parse((await read(render(text))).toString())
    expect(written).toEqual({
      mask: 'data:image/png;base64,bWFzaw==',
      image: 'aW1hZ2U=',
      again: 'bWFzaw==',
      é: '\u{1f58c}',
    })
  })

  it('has nothing to write where no mark is', () => {
    const { place, render } = createTextWithBytes()
    place(inPieces([Buffer.from('image')]))
    expect(render('{"prompt":"0.1."}')).toBeUndefined()
  })

  it('takes no mark of another text for its own', () => {
    const other = createTextWithBytes().place(inPieces([Buffer.from('secret')]))
    const { place, render } = createTextWithBytes()
    place(inPieces([Buffer.from('image')]))
    expect(render(JSON.stringify({ prompt: other }))).toBeUndefined()
  })

  it('writes bytes as they are into a text of bytes, changing none of either', async () => {
    const { place, render } = createTextWithBytes()
    const all = Buffer.from(Array.from({ length: 256 }, (_, index) => index))
    const mark = place(inPieces([all.subarray(0, 99), all.subarray(99)]), 'plain')
    const text = Buffer.concat([all, Buffer.from(mark), all]).toString('latin1')
    expect(await read(render(text, 'latin1'))).toEqual(Buffer.concat([all, all, all]))
  })

  it('writes what is in one large piece in slices', async () => {
    const { place, render } = createTextWithBytes()
    const rendered = render(place(inPieces([Buffer.alloc(1_000_000)]), 'plain'))
    const slices = (await rendered?.stream.toArray()) as Buffer[]
    expect(Math.max(...slices.map(({ length }) => length))).toBe(192 * 1024)
    expect(Buffer.concat(slices)).toHaveLength(1_000_000)
  })

  it('writes any bytes at any place', async () => {
    const pieces = fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.array(fc.uint8Array())), {
      minLength: 1,
    })
    await fc.assert(
      fc.asyncProperty(pieces, fc.string({ unit: 'binary' }), async (parts, end) => {
        const { place, render } = createTextWithBytes()
        const text = parts.map(([before, bytes]) => before + place(inPieces(bytes))).join('') + end
        const expected =
          parts
            .map(([before, bytes]) => before + Buffer.concat(bytes).toString('base64'))
            .join('') + end
        expect((await read(render(text))).equals(Buffer.from(expected))).toBe(true)
      }),
    )
  })

  it('can be rendered again, for a second provider', async () => {
    const { place, render } = createTextWithBytes()
    const text = `<${place(inPieces([Buffer.from('a')]))}>`
    expect(await read(render(text))).toEqual(await read(render(text)))
  })
})
