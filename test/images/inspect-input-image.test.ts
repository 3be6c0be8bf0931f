import { crc32 } from 'node:zlib'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { inPieces } from '#src/bytes/pieces.ts'
import { GatewayError } from '#src/domain/errors.ts'
import { INPUT_FORMATS } from '#src/domain/media.ts'
import {
  DEFAULT_MAX_INPUT_PIXELS,
  type InputImageLimits,
  inspectInputImage,
} from '#src/images/inspect-input-image.ts'
import { sampleAnimation, sampleImage } from './sample-images.ts'

const size = { width: 300, height: 200 }
const limits = { maxBytes: 1_000_000, maxPixels: DEFAULT_MAX_INPUT_PIXELS }

/** Of a picture that comes in pieces. */
const inspect = (bytes: Buffer, param: string, given: InputImageLimits) => {
  const cuts = Array.from({ length: Math.ceil(bytes.length / 1000) }, (_, index) => index * 1000)
  return inspectInputImage(
    inPieces(cuts.map((start) => bytes.subarray(start, start + 1000))),
    param,
    given,
  )
}

const refusalOf = async (bytes: Buffer, given = limits) => {
  const error = await inspect(bytes, 'image[2]', given).catch((thrown) => thrown)
  expect(error).toBeInstanceOf(GatewayError)
  const { code, status, message, options } = error as GatewayError
  expect({ code, status, param: options.param }).toEqual({
    code: 'INVALID_REQUEST',
    status: 400,
    param: 'image[2]',
  })
  return message
}

/** A tiny PNG whose header claims to be huge. */
const bombPng = async (width: number, height: number): Promise<Buffer> => {
  const bytes = await sampleImage('png')
  bytes.writeUInt32BE(width, 16)
  bytes.writeUInt32BE(height, 20)
  // The checksum of the header chunk covers its type and its 13 bytes.
  bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29)
  return bytes
}

describe.each(INPUT_FORMATS)('inspectInputImage of a %s', (format) => {
  it('gives format and size', async () => {
    expect(await inspect(await sampleImage(format, size), 'image', limits)).toEqual({
      format,
      size,
    })
  })

  it('takes bytes after the end', async () => {
    const bytes = Buffer.concat([await sampleImage(format, size), Buffer.from('trailing')])
    expect((await inspect(bytes, 'image', limits)).size).toEqual(size)
  })

  it('refuses a truncated one', async () => {
    const bytes = await sampleImage(format, size)
    expect(await refusalOf(bytes.subarray(0, bytes.length * 0.7))).toMatch(
      `image[2] is a truncated or damaged ${format.toUpperCase()} image`,
    )
  })

  it('refuses one with nothing but magic bytes', async () => {
    const bytes = await sampleImage(format)
    expect(await refusalOf(bytes.subarray(0, 14))).toMatch('truncated or damaged')
  })
})

describe('inspectInputImage', () => {
  it('gives the size of one frame of an animation', async () => {
    expect(await inspect(await sampleAnimation('gif'), 'image', limits)).toEqual({
      format: 'gif',
      size: { width: 40, height: 30 },
    })
  })

  it('gives the size as shown of a photo turned by EXIF', async () => {
    const picture = sharp(await sampleImage('png', size)).withMetadata({ orientation: 8 })
    const found = await inspect(await picture.jpeg().toBuffer(), 'image', limits)
    expect(found.size).toEqual({ width: 200, height: 300 })
  })

  it('gives the size of one with much before its picture', async () => {
    const much = 'x'.repeat(60_000)
    const noise = { type: 'gaussian', mean: 128, sigma: 60 } as const
    const create = { ...size, channels: 3, background: 'grey', noise } as const
    const exif = sharp({ create }).withExif({ IFD0: { ImageDescription: much, Copyright: much } })
    const png = await sharp({ create }).png({ compressionLevel: 0 }).toBuffer()
    const text = Buffer.concat([Buffer.from('tEXtComment\0'), Buffer.alloc(100_000, 'x')])
    const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)]
    length.writeUInt32BE(text.length - 4)
    checksum.writeUInt32BE(crc32(text))
    // Behind the signature and the chunk IHDR.
    const chunks = [png.subarray(0, 33), length, text, checksum, png.subarray(33)]
    const gif = await sharp({ create: { ...create, width: 900, height: 600 } })
      .gif()
      .toBuffer()
    expect(gif.length).toBeGreaterThan(100_000)
    expect((await inspect(Buffer.concat(chunks), 'image', limits)).size).toEqual(size)
    expect((await inspect(gif, 'image', limits)).size).toEqual({ width: 900, height: 600 })
    const jpeg = await exif.jpeg().toBuffer()
    const app = Buffer.concat([Buffer.from([0xff, 0xed, 0xff, 0xff]), Buffer.alloc(65_533)])
    const late = Buffer.concat([jpeg.subarray(0, 2), app, jpeg.subarray(2)])
    expect((await inspect(late, 'image', limits)).size).toEqual(size)
  })

  it('refuses zero bytes', async () => {
    expect(await refusalOf(Buffer.alloc(0))).toBe(
      'image[2] is empty (0 bytes); allowed: PNG, JPEG, WebP, GIF',
    )
  })

  it('refuses too many bytes', async () => {
    const bytes = await sampleImage('png', size)
    expect(await refusalOf(bytes, { ...limits, maxBytes: 1000 })).toBe(
      `image[2] has ${bytes.length} bytes; at most 1000`,
    )
  })

  it('names what it found instead of an image', async () => {
    const avif = await sampleImage('avif')
    const tiff = await sharp(await sampleImage('png'))
      .tiff()
      .toBuffer()
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    const found = await Promise.all(
      [avif, tiff, svg, Buffer.from('hello')].map((bytes) => refusalOf(bytes)),
    )
    expect(found).toEqual([
      'image[2] is an AVIF image; allowed: PNG, JPEG, WebP, GIF',
      'image[2] is a TIFF image; allowed: PNG, JPEG, WebP, GIF',
      'image[2] is an SVG image; allowed: PNG, JPEG, WebP, GIF',
      'image[2] is no known image type; allowed: PNG, JPEG, WebP, GIF',
    ])
  })

  it('refuses a decompression bomb by its header', async () => {
    const bytes = await bombPng(11_000, 10_000)
    expect(await refusalOf(bytes)).toBe(
      'image[2] decodes to 11000x10000, 110000000 pixels; at most 50000000',
    )
  })

  it('counts all frames of an animation as pixels', async () => {
    expect(await refusalOf(await sampleAnimation('gif'), { ...limits, maxPixels: 3_599 })).toBe(
      'image[2] decodes to 40x30 in 3 frames, 3600 pixels; at most 3599',
    )
  })
})
