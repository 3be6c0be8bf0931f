import { Readable } from 'node:stream'
import sharp from 'sharp'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { GatewayError, ProviderError } from '#src/domain/errors.ts'
import type { WantedImages } from '#src/domain/image-result.ts'
import { OUTPUT_FORMATS } from '#src/domain/media.ts'
import type { ProviderImage } from '#src/domain/provider-adapter.ts'
import { createImageFetcher } from '#src/images/fetch-image.ts'
import type { OpenedMedia } from '#src/images/media-store.ts'
import { createPreparation, type Preparation } from './preparation.ts'
import { claimingSize, sampleImage, samplePng } from './sample-images.ts'

const size = { width: 300, height: 200 }
const url: WantedImages = { responseFormat: 'url' }
const base64: WantedImages = { responseFormat: 'b64_json' }

let preparation: Preparation
beforeEach(async () => {
  preparation = await createPreparation()
})
afterEach(() => preparation.close())

const brokenOff = (): OpenedMedia => {
  const read = async function* () {
    yield Buffer.from('begun')
    throw new Error('aborted')
  }
  return { stream: Readable.from(read()), sizeBytes: 10, mediaType: 'image/jpeg' }
}

const failureOf = async (image: ProviderImage, wanted: WantedImages = url) => {
  const error = await preparation.prepare([image], wanted).catch((thrown) => thrown)
  expect(error).toBeInstanceOf(ProviderError)
  return (error as ProviderError).details
}

describe('an image that was paid for', () => {
  it('is fetched again after a lost connection and a 5xx', async () => {
    const bytes = await sampleImage('png', size)
    preparation.answer = (_, response, index) => {
      if (index === 0) response.destroy()
      else if (index === 1) response.writeHead(503).end()
      else response.end(bytes)
    }
    expect(await preparation.prepareOne(preparation.asUrl(), url)).toMatchObject({
      size,
      sizeBytes: bytes.length,
    })
    expect(preparation.server.requests).toHaveLength(3)
  })

  it('is fetched again when it broke off in the middle, and leaves no half file', async () => {
    const bytes = await samplePng({ width: 300, height: 300 })
    preparation.answer = (_, response, index) => {
      response.setHeader('content-length', bytes.length)
      if (index > 0) response.end(bytes)
      else response.write(bytes.subarray(0, 150_000), () => response.destroy())
    }
    const prepared = await preparation.prepareOne(preparation.asUrl(), url)
    expect((await preparation.bytesOf(prepared)).equals(bytes)).toBe(true)
    expect(await preparation.store.sweep(Number.MAX_SAFE_INTEGER)).toBe(1)
  })

  it('is kept when another of the same answer is lost', async () => {
    const bytes = await sampleImage('png', size)
    preparation.answer = (request, response) => {
      if (request.url === '/lost') response.writeHead(404).end()
      else response.end(bytes)
    }
    const images = [
      preparation.asUrl('/lost'),
      preparation.asUrl('/kept'),
      preparation.asUrl('/kept'),
    ]
    expect(await preparation.prepare(images, base64)).toHaveLength(2)
  })
})

describe('a sound image that cannot be converted', () => {
  const size = { width: 16_500, height: 4 }
  const picture = () => sharp({ create: { ...size, channels: 3, background: '#204060' } })

  it.each([
    [url, 'webp'],
    [base64, 'webp'],
    [base64, 'avif'],
  ] as const)(
    'comes as it is, as too many pixels a side for an encoder: %o as %s',
    async (wanted, outputFormat) => {
      const bytes = await picture().png().toBuffer()
      for (const image of preparation.ways(bytes)) {
        const prepared = await preparation.prepareOne(image, { ...wanted, outputFormat })
        const { format, isUnconverted, sizeBytes } = prepared
        expect({ format, isUnconverted, sizeBytes, size: prepared.size }).toEqual({
          format: 'png',
          isUnconverted: true,
          sizeBytes: bytes.length,
          size,
        })
        expect((await preparation.bytesOf(prepared)).equals(bytes)).toBe(true)
      }
    },
  )

  it.each(OUTPUT_FORMATS)(
    'comes as it is, whatever the converter failed with: a %s',
    async (format) => {
      const bytes = await sampleImage(format, { width: 30, height: 20 })
      const convert = () => Promise.reject(new Error('out of memory'))
      preparation.dependencies = { ...preparation.dependencies, convert }
      const outputFormat = format === 'png' ? 'jpeg' : 'png'
      for (const image of preparation.ways(bytes)) {
        const prepared = await preparation.prepareOne(image, { ...base64, outputFormat })
        expect(prepared).toMatchObject({ format, isUnconverted: true, sizeBytes: bytes.length })
      }
    },
  )

  it.each(['png', 'avif'] as const)(
    'comes as it is when it is too large to be decoded: a %s',
    async (format) => {
      const sides = { width: 20_000, height: 10_000 }
      // Nor does its end say that it is whole.
      const bytes = Buffer.concat([await claimingSize(format, sides), Buffer.alloc(20)])
      for (const wanted of [url, { ...base64, outputFormat: 'webp' } as const]) {
        for (const image of preparation.ways(bytes)) {
          const prepared = await preparation.prepareOne(image, wanted)
          expect(prepared).toMatchObject({ format, size: sides, sizeBytes: bytes.length })
        }
      }
    },
  )
})

describe('a failure', () => {
  const broken = (publicMessage: string) => ({
    kind: 'bad_response',
    workMayExist: true,
    publicMessage: `The provider's image ${publicMessage}`,
  })

  it('is a lost connection, once the retries are used up', async () => {
    preparation.answer = (_, response) => response.destroy()
    expect(await failureOf(preparation.asUrl())).toEqual({
      kind: 'network',
      workMayExist: true,
      publicMessage: "The provider's image file could not be fetched: the connection failed",
    })
    expect(preparation.server.requests).toHaveLength(3)
  })

  it('is an expired file, asked for once', async () => {
    preparation.answer = (_, response) => response.writeHead(404).end()
    expect(await failureOf(preparation.asUrl())).toEqual({
      ...broken('file answered with status 404'),
      upstreamStatus: 404,
    })
    expect(preparation.server.requests).toHaveLength(1)
  })

  it('is a file that does not arrive in time', async () => {
    preparation.answer = () => undefined
    await preparation.dependencies.fetcher.close()
    const allowedHosts = [`127.0.0.1:${preparation.server.port}`]
    const fetcher = createImageFetcher({ allowedHosts, maxBytes: 1000, timeoutMs: 30 })
    preparation.dependencies = { ...preparation.dependencies, fetcher }
    expect(await failureOf(preparation.asUrl())).toMatchObject({
      kind: 'timeout',
      workMayExist: true,
    })
  })

  it.each([url, base64])('is a page instead of an image', async (wanted) => {
    preparation.ways(Buffer.from('<!doctype html><title>Not found</title>'))
    expect(await failureOf(preparation.asUrl(), wanted)).toEqual(
      broken('is not an image but an HTML page'),
    )
  })

  it('is an empty image', async () => {
    preparation.ways(Buffer.alloc(0))
    const expected = broken('is not an image but empty')
    expect(await failureOf(preparation.asUrl())).toEqual(expected)
    expect(await failureOf({ kind: 'base64', pieces: [] })).toEqual(expected)
  })

  it.each(OUTPUT_FORMATS)('is a truncated %s, which is not kept', async (format) => {
    const bytes = await sampleImage(format, size)
    const converted = { ...url, outputFormat: format === 'png' ? 'webp' : 'png' } as const
    for (const wanted of [url, base64, converted]) {
      for (const image of preparation.ways(bytes.subarray(0, bytes.length * 0.8))) {
        const what = wanted === converted ? 'cannot be decoded' : 'is truncated or damaged'
        expect(await failureOf(image, wanted)).toEqual(broken(what))
      }
    }
    expect(await preparation.store.sweep(Number.MAX_SAFE_INTEGER)).toBe(0)
  })

  it('is an image above the limit, however it came', async () => {
    const bytes = await sampleImage('png', size)
    preparation.dependencies = { ...preparation.dependencies, maxImageBytes: 1000 }
    const messages = []
    for (const image of preparation.ways(bytes))
      messages.push((await failureOf(image)).publicMessage)
    const text = "The provider's image is larger than 1000 bytes"
    expect(messages).toEqual([text, text, text, text.replace('image', 'image file')])
  })

  it('is a URL that the outbound rules forbid', async () => {
    expect(await failureOf({ kind: 'url', url: 'https://169.254.169.254/' })).toEqual(
      broken('file points to an address that is not public'),
    )
  })

  it('is a cancellation when the client leaves, and then nothing is kept', async () => {
    const bytes = await sampleImage('png', size)
    preparation.answer = (_, response) => {
      response.write(bytes.subarray(0, 1000), () => preparation.controller.abort())
    }
    const error = await preparation
      .prepare([preparation.asUrl(), { kind: 'bytes', bytes }], url)
      .catch((thrown) => thrown)
    expect((error as ProviderError).details).toEqual({
      kind: 'cancelled',
      workMayExist: true,
      publicMessage: 'The request was cancelled while its images were prepared',
    })
    expect(await preparation.store.sweep(Number.MAX_SAFE_INTEGER)).toBe(0)
  })

  it('is a cancellation too between two tries', async () => {
    preparation.answer = (_, response) => {
      response.writeHead(503).end()
      setImmediate(() => setImmediate(() => preparation.controller.abort()))
    }
    preparation.dependencies = { ...preparation.dependencies, retryDelaysMs: [60_000] }
    expect(await failureOf(preparation.asUrl())).toMatchObject({ kind: 'cancelled' })
  })

  it.each([
    ['refused', () => Promise.reject(new GatewayError('OVERLOADED', 'slow down'))],
    ['broken off', async () => brokenOff()],
  ])(
    'to read back what was just stored, %s, is not retried: it was paid for',
    async (_how, open) => {
      const store = { ...preparation.store, open }
      preparation.dependencies = { ...preparation.dependencies, store }
      const jpeg = await sampleImage('jpeg', size)
      // Bytes behind the end leave a doubt.
      preparation.ways(Buffer.concat([jpeg, Buffer.alloc(20)]))
      await expect(preparation.prepare([preparation.asUrl()], url)).rejects.toMatchObject({
        code: 'INTERNAL_ERROR',
        message: expect.stringContaining('The gateway cannot check the image'),
        options: {},
      })
    },
  )

  it('stays what it was when the store cannot remove the image', async () => {
    const bytes = await sampleImage('png', size)
    const remove = () => Promise.reject(new GatewayError('INTERNAL_ERROR', 'denied'))
    const store = { ...preparation.store, remove }
    preparation.dependencies = { ...preparation.dependencies, store }
    const truncated = { kind: 'bytes', bytes: bytes.subarray(0, bytes.length * 0.8) } as const
    expect(await failureOf(truncated)).toEqual(broken('is truncated or damaged'))
    preparation.answer = (_, response) => {
      response.write(bytes.subarray(0, 1000), () => preparation.controller.abort())
    }
    const whole = { kind: 'bytes', bytes } as const
    const error = await preparation
      .prepare([preparation.asUrl(), whole], url)
      .catch((thrown) => thrown)
    expect((error as ProviderError).details).toMatchObject({ kind: 'cancelled' })
  })

  it('of the store is the gateway’s own, not the provider’s', async () => {
    const full = new GatewayError('INTERNAL_ERROR', 'The gateway cannot store the image')
    preparation.dependencies = {
      ...preparation.dependencies,
      store: { ...preparation.store, put: () => Promise.reject(full) },
    }
    const image = { kind: 'bytes', bytes: await sampleImage('png') } as const
    await expect(preparation.prepare([image], url)).rejects.toBe(full)
  })
})
