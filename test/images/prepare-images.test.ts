import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { WantedImages } from '#src/domain/image-result.ts'
import { OUTPUT_FORMATS } from '#src/domain/media.ts'
import type { ProviderImage } from '#src/domain/provider-adapter.ts'
import { sniffFormat } from '#src/images/sniff.ts'
import { createPreparation, type Preparation, signer } from './preparation.ts'
import { sampleImage, samplePng, turnedImage } from './sample-images.ts'

const size = { width: 300, height: 200 }
const url: WantedImages = { responseFormat: 'url' }
const base64: WantedImages = { responseFormat: 'b64_json' }

let preparation: Preparation
beforeEach(async () => {
  preparation = await createPreparation()
})
afterEach(() => preparation.close())

describe.each(['url', 'b64_json'] as const)('prepareImages for %s', (responseFormat) => {
  it.each(OUTPUT_FORMATS)('gives %s back unchanged however it came', async (format) => {
    const bytes = await sampleImage(format, size)
    for (const image of preparation.ways(bytes)) {
      const prepared = await preparation.prepareOne(image, { responseFormat })
      expect(prepared).toMatchObject({ format, size, sizeBytes: bytes.length })
      expect((await preparation.bytesOf(prepared)).equals(bytes)).toBe(true)
    }
  })

  it.each(OUTPUT_FORMATS)('converts to %s when that is asked', async (outputFormat) => {
    const from = outputFormat === 'png' ? 'jpeg' : 'png'
    for (const image of preparation.ways(await sampleImage(from, size))) {
      const prepared = await preparation.prepareOne(image, { responseFormat, outputFormat })
      const bytes = await preparation.bytesOf(prepared)
      expect(prepared).toMatchObject({ format: outputFormat, size, sizeBytes: bytes.length })
      expect(sniffFormat(bytes)).toBe(outputFormat)
    }
  })

  it.each(['png', 'jpeg', 'webp', 'avif'] as const)(
    'tells the size of a %s as it is shown, not as it lies in its file',
    async (format) => {
      const bytes = await turnedImage(format, size)
      for (const image of preparation.ways(bytes)) {
        const prepared = await preparation.prepareOne(image, { responseFormat })
        expect(prepared.size).toEqual({ width: 200, height: 300 })
      }
    },
  )

  it('goes by the bytes, not by the declared type', async () => {
    const image: ProviderImage = {
      kind: 'bytes',
      bytes: await sampleImage('webp', size),
      mediaType: 'image/png',
    }
    expect(
      (await preparation.prepareOne(image, { responseFormat, outputFormat: 'webp' })).format,
    ).toBe('webp')
    expect(
      (await preparation.prepareOne(image, { responseFormat, outputFormat: 'png' })).format,
    ).toBe('png')
  })
})

describe('prepareImages', () => {
  it('does not copy or decode bytes that are wanted as they are', async () => {
    const bytes = await sampleImage('png', size)
    const prepared = await preparation.prepareOne(
      { kind: 'bytes', bytes },
      { ...base64, outputFormat: 'png' },
    )
    expect((await preparation.bytesOf(prepared)).buffer).toBe(bytes.buffer)
  })

  it('encodes anew for a compression, where the format has one', async () => {
    const jpeg = await sampleImage('jpeg', size)
    const png = await sampleImage('png', size)
    const wanted = { ...base64, outputCompression: 10 }
    const smaller = await preparation.prepareOne({ kind: 'bytes', bytes: jpeg }, wanted)
    const same = await preparation.prepareOne({ kind: 'bytes', bytes: png }, wanted)
    expect(smaller.sizeBytes).toBeLessThan(jpeg.length / 2)
    expect([smaller.format, same.format, same.sizeBytes]).toEqual(['jpeg', 'png', png.length])
  })

  it('hosts under a signed path that ends with the time to live', async () => {
    const prepared = await preparation.prepareOne(
      { kind: 'bytes', bytes: await sampleImage('png') },
      url,
    )
    const { path } = prepared.content as { path: string }
    const [, file = '', expires = '', signature = ''] =
      /^\/v1\/media\/(.+)\?expires=(\d+)&signature=(.+)$/.exec(path) ?? []
    expect(file).toMatch(/^0000004600-[0-9a-f]{32}\.png$/)
    expect(signer.verify(file, expires, signature, 4_599_999)).toBe('valid')
    expect(signer.verify(file, expires, signature, 4_600_000)).toBe('expired')
  })

  it('passes a large file on in pieces and never reads it back', async () => {
    const bytes = await samplePng({ width: 900, height: 900 })
    expect(bytes.length).toBeGreaterThan(1_500_000)
    preparation.ways(bytes)
    const prepared = await preparation.prepareOne(preparation.asUrl(), url)
    expect(prepared).toMatchObject({ size: { width: 900, height: 900 }, sizeBytes: bytes.length })
    expect([preparation.store.puts, preparation.store.opened]).toEqual([['stream'], []])
    expect(preparation.store.largestChunks[0]).toBeLessThan(200_000)
  })

  it('passes large base64 on in pieces too', async () => {
    const bytes = await samplePng({ width: 900, height: 900 })
    const pieces = [Buffer.from(bytes.toString('base64'))]
    await preparation.prepareOne({ kind: 'base64', pieces }, url)
    expect(pieces).toEqual([])
    expect([preparation.store.puts, preparation.store.opened]).toEqual([['stream'], []])
    expect(preparation.store.largestChunks[0]).toBeLessThan(1_000_000)
  })

  it('reads back a file whose size its first bytes do not tell', async () => {
    const jpeg = await sampleImage('jpeg', size)
    const comment = Buffer.concat([Buffer.from([0xff, 0xfe, 0xff, 0xff]), Buffer.alloc(65_533)])
    preparation.ways(Buffer.concat([jpeg.subarray(0, 2), comment, comment, jpeg.subarray(2)]))
    expect(await preparation.prepareOne(preparation.asUrl(), url)).toMatchObject({
      format: 'jpeg',
      size,
    })
    expect(preparation.store.opened).toHaveLength(1)
  })

  it('keeps the order of several images', async () => {
    const widths = [30, 20, 40]
    const images = await Promise.all(
      widths.map(async (width) => {
        const bytes = await sampleImage('png', { width, height: 10 })
        return { kind: 'bytes', bytes } as const
      }),
    )
    expect((await preparation.prepare(images, base64)).map((each) => each.size.width)).toEqual(
      widths,
    )
  })
})

describe('an image that is to be kept', () => {
  const day: Partial<WantedImages> = { keepForMs: 86_400_000 }
  const image = async (): Promise<ProviderImage> => ({
    kind: 'bytes',
    bytes: await sampleImage('png', size),
  })

  it.each(['url', 'b64_json'] as const)('lies in the store for longer, as %s', async (form) => {
    const given = await image()
    const prepared = await preparation.prepareOne(given, { responseFormat: form, ...day })
    expect(prepared.file).toMatch(/^0000091000-[0-9a-f]{32}\.png$/)
    const opened = await preparation.store.open(prepared.file ?? '')
    const stored = opened && (await buffer(opened.stream))
    expect(stored?.equals(await preparation.bytesOf(prepared))).toBe(true)
  })

  it('has a URL that ends before it does', async () => {
    const { file = '', content } = await preparation.prepareOne(await image(), { ...url, ...day })
    expect(content).toEqual({ kind: 'hosted', path: signer.sign(file, 4_600_000) })
  })

  it('lives as long as a URL that is given out in its last moment', async () => {
    const prepared = await preparation.prepareOne(await image(), { ...url, keepForMs: 1_000 })
    expect(prepared.file).toMatch(/^0000004601-/)
  })

  it('is kept as it was converted', async () => {
    const wanted = { ...base64, ...day, outputFormat: 'jpeg' } as const
    expect((await preparation.prepareOne(await image(), wanted)).file).toMatch(/\.jpeg$/)
  })

  it('is answered as bytes also when it cannot be kept', async () => {
    const errors: unknown[] = []
    const full = new Error('full')
    preparation.dependencies = {
      ...preparation.dependencies,
      store: { ...preparation.store, put: () => Promise.reject(full) },
      onNotKept: (error) => errors.push(error),
    }
    const prepared = await preparation.prepareOne(await image(), { ...base64, ...day })
    expect([prepared.content.kind, prepared.file, errors]).toEqual(['held', undefined, [full]])
  })

  it('is removed again when the client leaves', async () => {
    preparation.ways(await sampleImage('png', size))
    const lost = { ...preparation.store }
    preparation.dependencies = {
      ...preparation.dependencies,
      store: {
        ...lost,
        put: async (...given) => {
          const stored = await lost.put(...given)
          preparation.controller.abort()
          return stored
        },
      },
    }
    await expect(preparation.prepareOne(await image(), { ...base64, ...day })).rejects.toThrow()
    expect(await preparation.store.sweep(Number.MAX_SAFE_INTEGER)).toBe(0)
  })

  it('is not stored when it is answered as bytes and nobody asks for it', async () => {
    const prepared = await preparation.prepareOne(await image(), base64)
    expect([prepared.file, preparation.store.puts]).toEqual([undefined, []])
  })
})
