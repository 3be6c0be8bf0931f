import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { wholeOf } from '#src/bytes/held-bytes.ts'
import { inPieces } from '#src/bytes/pieces.ts'
import { OUTPUT_FORMATS } from '#src/domain/media.ts'
import { chooseEffort, convertImage, convertInputImage } from '#src/images/convert.ts'
import { readImageHeader, sniffFormat } from '#src/images/sniff.ts'
import { claimingSize, middleColour, sampleAnimation, sampleImage } from './sample-images.ts'

const size = { width: 301, height: 203 }
const pairs = OUTPUT_FORMATS.flatMap((from) => OUTPUT_FORMATS.map((to) => [from, to] as const))
const plain = (background: string) =>
  sharp({ create: { width: 8, height: 8, channels: 4, background } })

describe('convertImage', () => {
  it.each(pairs)('makes a %s into a %s of the same size', async (from, to) => {
    const converted = await convertImage(await sampleImage(from, size), { to })
    expect(converted.size).toEqual(size)
    expect(sniffFormat(converted.bytes)).toBe(to)
    expect(await readImageHeader(to, converted.bytes)).toEqual({ format: to, size, pages: 1 })
  })

  it.each(['jpeg', 'webp', 'avif'] as const)('obeys the quality of %s', async (to) => {
    const bytes = await sampleImage('png', size)
    const lengths = await Promise.all(
      [0, 50, 100].map(
        async (quality) => (await convertImage(bytes, { to, quality })).bytes.length,
      ),
    )
    expect(lengths).toEqual(lengths.toSorted((left, right) => left - right))
    expect(lengths[0]).toBeLessThan(lengths[2] as number)
  })

  it.each([
    ['avif', { width: 5_000, height: 4_001 }],
    ['gif', { width: 5_000, height: 6_001 }],
    ['webp', { width: 10_000, height: 5_001 }],
  ] as const)(
    'does not begin to make a %s that would take more memory than is planned',
    async (to, sides) => {
      const bytes = await claimingSize('png', sides)
      await expect(convertImage(bytes, { to })).rejects.toThrow('too large to be converted')
      const smaller = await claimingSize('png', { ...sides, height: sides.height - 1 })
      // Nothing of its size is there.
      await expect(convertImage(smaller, { to })).rejects.toThrow(/libspng|pngload|read error/)
    },
  )

  it('puts transparency on white for jpeg and keeps it elsewhere', async () => {
    const bytes = await plain('#ff000000').png().toBuffer()
    const jpeg = await convertImage(bytes, { to: 'jpeg' })
    const webp = await convertImage(bytes, { to: 'webp' })
    expect(await middleColour(jpeg.bytes)).toEqual([255, 255, 255])
    expect((await sharp(webp.bytes).metadata()).hasAlpha).toBe(true)
  })

  it('turns a photo as its EXIF orientation says, once', async () => {
    const photo = await sharp(await sampleImage('png', size))
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer()
    const converted = await convertImage(photo, { to: 'png' })
    expect(converted.size).toEqual({ width: 203, height: 301 })
    expect((await sharp(converted.bytes).metadata()).orientation).toBeUndefined()
  })

  it('brings the colours of an embedded profile to sRGB', async () => {
    const wide = await plain('#00c800').withIccProfile('p3').png().toBuffer()
    const converted = await convertImage(wide, { to: 'png' })
    const [red = 0, green = 0, blue = 0] = await middleColour(converted.bytes)
    expect((await sharp(converted.bytes).metadata()).hasProfile).toBe(false)
    expect(
      [red, green, blue].map((value, index) => Math.abs(value - (index === 1 ? 200 : 0)) < 4),
    ).toEqual([true, true, true])
  })

  it.each([
    ['gif', 'webp', 3],
    ['webp', 'gif', 3],
    ['gif', 'png', 1],
    ['webp', 'jpeg', 1],
  ] as const)('makes a %s animation into a %s of %i frames', async (from, to, pages) => {
    const converted = await convertImage(await sampleAnimation(from), { to })
    const frame = { width: 40, height: 30 }
    expect(converted.size).toEqual(frame)
    expect(await readImageHeader(to, converted.bytes)).toEqual({ format: to, size: frame, pages })
  })

  it('rejects what is truncated and what is no image', async () => {
    const bytes = await sampleImage('png', size)
    const cut = bytes.subarray(0, bytes.length / 2)
    await expect(convertImage(cut, { to: 'jpeg' })).rejects.toThrow()
    await expect(convertImage(Buffer.from('<svg/>'), { to: 'jpeg' })).rejects.toThrow(
      'Not an image of a known format',
    )
  })

  it('does not begin when its signal is aborted', async () => {
    const signal = AbortSignal.abort(new Error('gone'))
    const bytes = await sampleImage('png')
    await expect(convertImage(bytes, { to: 'jpeg', signal })).rejects.toThrow('gone')
  })
})

describe('chooseEffort', () => {
  it('spends less on larger pictures and when others wait', () => {
    const sizes = [512 ** 2, 1024 ** 2, 4096 ** 2]
    expect(sizes.map((pixels) => chooseEffort(pixels, false))).toEqual([
      { webp: 4, avif: 1, avifChroma: '4:4:4' },
      { webp: 1, avif: 0, avifChroma: '4:4:4' },
      { webp: 0, avif: 0, avifChroma: '4:2:0' },
    ])
    expect(chooseEffort(512 ** 2, true)).toEqual({ webp: 0, avif: 0, avifChroma: '4:4:4' })
  })
})

describe('convertInputImage', () => {
  it('leaves an image alone whose format is accepted', async () => {
    const image = { bytes: inPieces([await sampleImage('gif')]), format: 'gif' } as const
    expect(await convertInputImage(image, ['png', 'gif'], 'image')).toBe(image)
    expect(await convertInputImage(image, [], 'image')).toBe(image)
  })

  it('makes the first frame of a GIF into the first accepted format', async () => {
    const image = { bytes: inPieces([await sampleAnimation('gif')]), format: 'gif' } as const
    const converted = await convertInputImage(image, ['png', 'jpeg'], 'image')
    expect(converted.format).toBe('png')
    const bytes = await wholeOf(converted.bytes)
    expect(sniffFormat(bytes)).toBe('png')
    expect(await middleColour(bytes)).toEqual([255, 0, 0])
  })

  it('names the field of an image that cannot be decoded', async () => {
    const bytes = (await sampleImage('gif', size)).subarray(0, 200)
    await expect(
      convertInputImage({ bytes: inPieces([bytes]), format: 'gif' }, ['png'], 'mask'),
    ).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      message: 'mask is a damaged GIF image',
      options: { param: 'mask' },
    })
  })
})
