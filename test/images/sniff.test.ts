import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { OUTPUT_FORMATS } from '#src/domain/media.ts'
import {
  describeForeign,
  readImageHeader,
  readSizeFromHead,
  SNIFF_BYTES,
  sniffFormat,
} from '#src/images/sniff.ts'
import { sampleAnimation, sampleImage, turnedImage } from './sample-images.ts'

const size = { width: 300, height: 200 }

describe.each(OUTPUT_FORMATS)('a %s image', (format) => {
  it('is known by its first 32 bytes', async () => {
    const bytes = await sampleImage(format)
    expect(sniffFormat(bytes.subarray(0, SNIFF_BYTES))).toBe(format)
  })

  it('has its size read from its header', async () => {
    const bytes = await sampleImage(format, size)
    expect(await readImageHeader(format, bytes)).toEqual({ format, size, pages: 1 })
  })

  it('has its size read from its first half', async () => {
    const bytes = await sampleImage(format, size)
    expect(await readSizeFromHead(format, bytes.subarray(0, bytes.length / 2))).toEqual(size)
  })
})

describe('sniffFormat', () => {
  it('knows nothing in bytes that are no image', () => {
    const texts = ['', 'x', 'RIFF1234WAVE', '<html>', '\x89PNG', '\0\0\0\x18ftypheic']
    const found = texts.map((text) => sniffFormat(Buffer.from(text, 'latin1')))
    expect(found).toEqual(texts.map(() => undefined))
  })
})

describe('describeForeign', () => {
  it.each([
    ['', 'empty'],
    ['<!DOCTYPE html><p>', 'an HTML page'],
    ['\n<html>', 'an HTML page'],
    ['<svg xmlns="x">', 'an SVG image'],
    ['<?xml version="1.0"?><svg>', 'an SVG image'],
    ['{"error":1}', 'JSON'],
    ['<Error><Code>', 'XML or HTML'],
    ['%PDF-1.7', 'a PDF document'],
    ['BM12', 'a BMP image'],
    ['II*\0', 'a TIFF image'],
    ['\0\0\0\x18ftypheic', 'a HEIC image'],
    ['\0\0\0\x18ftypmp42', 'a video'],
    ['hello', 'no known image type'],
  ])('calls %j %s', (text, description) => {
    expect(describeForeign(Buffer.from(text, 'latin1'))).toBe(description)
  })
})

describe('readSizeFromHead', () => {
  it('reads lossless and extended WebP', async () => {
    const picture = sharp(await sampleImage('png', size))
    const lossless = await picture.clone().webp({ lossless: true }).toBuffer()
    const extended = await picture.clone().withIccProfile('p3').webp().toBuffer()
    expect(lossless.toString('latin1', 12, 16)).toBe('VP8L')
    expect(extended.toString('latin1', 12, 16)).toBe('VP8X')
    expect(await readSizeFromHead('webp', lossless.subarray(0, 64))).toEqual(size)
    expect(await readSizeFromHead('webp', extended.subarray(0, 64))).toEqual(size)
  })

  it('gives nothing for a JPEG whose metadata fills the head', async () => {
    const bytes = await sampleImage('jpeg')
    const comment = Buffer.concat([Buffer.from([0xff, 0xfe, 0xff, 0xff]), Buffer.alloc(65_533)])
    const padded = Buffer.concat([bytes.subarray(0, 2), comment, comment, bytes.subarray(2)])
    expect(await readSizeFromHead('jpeg', padded.subarray(0, 65_536))).toBeUndefined()
    expect((await readImageHeader('jpeg', padded)).size).toEqual({ width: 48, height: 32 })
  })

  it('gives nothing for a picture that may be turned by what is still to come', async () => {
    const webp = await turnedImage('webp', size)
    expect(await readSizeFromHead('webp', webp.subarray(0, 256))).toBeUndefined()
    const png = await turnedImage('png', size)
    expect(await readSizeFromHead('png', png.subarray(0, png.indexOf('eXIf')))).toBeUndefined()
    const head = png.subarray(0, png.indexOf('IDAT') + 200)
    expect(await readSizeFromHead('png', head)).toEqual({ width: 200, height: 300 })
  })

  it('gives nothing for too few bytes or a side of 0', async () => {
    const png = await sampleImage('png')
    expect(await readSizeFromHead('png', png.subarray(0, 20))).toBeUndefined()
    png.writeUInt32BE(0, 16)
    expect(await readSizeFromHead('png', png)).toBeUndefined()
  })
})

describe('readImageHeader', () => {
  it.each(['png', 'jpeg', 'webp', 'avif'] as const)(
    'gives the size of a %s as shown, its orientation applied',
    async (format) => {
      const turned = await turnedImage(format, size)
      const shown = { width: 200, height: 300 }
      expect((await readImageHeader(format, turned)).size).toEqual(shown)
      expect(await readSizeFromHead(format, turned)).toEqual(shown)
    },
  )

  it.each(['gif', 'webp'] as const)('counts the frames of a %s animation', async (format) => {
    expect(await readImageHeader(format, await sampleAnimation(format))).toEqual({
      format,
      size: { width: 40, height: 30 },
      pages: 3,
    })
  })

  it('rejects a damaged header', async () => {
    await expect(readImageHeader('png', Buffer.from('\x89PNG\r\n\x1a\n'))).rejects.toThrow()
  })
})
