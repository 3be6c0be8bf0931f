import { buffer } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { GatewayError } from '#src/domain/errors.ts'
import { createMediaFileName } from '#src/images/media-store.ts'
import { openS3Store, type S3StoreOptions, type S3StoreUnderTest } from './stores-under-test.ts'

const options = { format: 'png', expiresAtMs: 60_000 } as const
const PART_BYTES = 5 * 1024 * 1024

let under: S3StoreUnderTest
const open = async (storeOptions?: S3StoreOptions) => {
  under = await openS3Store(storeOptions)
  return under
}
afterEach(() => under.close())

const operations = () => under.emulator.requests.map(({ operation }) => operation)

/** So many bytes in pieces of 64 KiB. */
const source = async function* (sizeBytes: number) {
  for (let left = sizeBytes; left > 0; left -= 65_536) yield Buffer.alloc(Math.min(left, 65_536), 7)
}

describe('an upload to a bucket', () => {
  it('is one request up to the size of a part', async () => {
    const { store, emulator } = await open()
    await store.put(source(PART_BYTES), options)
    expect(emulator.requests).toMatchObject([{ operation: 'PutObject', bodyBytes: PART_BYTES }])
  })

  it('is sent in parts above it', async () => {
    const { store, emulator } = await open()
    const { file } = await store.put(source(2 * PART_BYTES + 1), options)
    expect(operations().toSorted()).toEqual([
      'CompleteMultipartUpload',
      'CreateMultipartUpload',
      'UploadPart',
      'UploadPart',
      'UploadPart',
    ])
    expect(emulator.bucket.objects.get(`some/folder/${file}`)?.bytes.length).toBe(
      2 * PART_BYTES + 1,
    )
  })

  it('reads its source no further ahead than the parts on their way', async () => {
    const { store, emulator } = await open()
    emulator.spoil('UploadPart', { always: 'hang' })
    const controller = new AbortController()
    let readBytes = 0
    const endless = async function* () {
      for (;;) {
        readBytes += 65_536
        yield Buffer.alloc(65_536)
      }
    }
    const done = store.put(endless(), { ...options, signal: controller.signal })
    await expect
      .poll(() => operations().filter((operation) => operation === 'UploadPart').length)
      .toBe(2)
    expect(readBytes).toBeLessThan(3.5 * PART_BYTES)
    controller.abort()
    await expect(done).rejects.toThrow()
    await expect.poll(() => emulator.bucket.uploads.size).toBe(0)
  })

  it('rejects with the error of its source also when clearing up fails', async () => {
    const { store, emulator } = await open()
    emulator.spoil('AbortMultipartUpload', { always: 'denied' })
    const broken = async function* () {
      yield* source(2 * PART_BYTES)
      throw new Error('connection lost')
    }
    await expect(store.put(broken(), options)).rejects.toThrow('connection lost')
    expect([emulator.bucket.objects.size, emulator.bucket.uploads.size]).toEqual([0, 1])
  })

  it.each([1, 2 * PART_BYTES])('of %i bytes says what the object is', async (sizeBytes) => {
    const { store, emulator } = await open()
    const { file } = await store.put(source(sizeBytes), { ...options, format: 'avif' })
    expect(emulator.bucket.objects.get(`some/folder/${file}`)?.headers).toEqual({
      'content-type': 'image/avif',
      'cache-control': 'private, max-age=60, immutable',
      'content-disposition': `inline; filename="${file}"`,
    })
  })

  it.each(['slow_down', 'internal_error', 'reset_before'] as const)(
    'is tried again after %s',
    async (fault) => {
      const { store, emulator, failures } = await open()
      emulator.spoil('PutObject', [fault])
      const { file } = await store.put(Buffer.from('abc'), options)
      expect([operations(), await under.names()]).toEqual([['PutObject', 'PutObject'], [file]])
      expect(failures).toEqual([])
    },
  )

  it('whose end was not answered is found by the size that was sent', async () => {
    const { store, emulator, failures } = await open()
    emulator.spoil('CompleteMultipartUpload', ['reset_before'])
    const { file, sizeBytes } = await store.put(source(2 * PART_BYTES + 1), options)
    expect([sizeBytes, await under.names(), failures]).toEqual([2 * PART_BYTES + 1, [file], []])
  })

  it('that somebody else has ended fails', async () => {
    const { store, emulator } = await open()
    const ending = async function* () {
      yield* source(2 * PART_BYTES)
      await expect.poll(() => emulator.bucket.uploads.size).toBe(1)
      emulator.bucket.uploads.clear()
      yield* source(1)
    }
    await expect(store.put(ending(), options)).rejects.toThrow(GatewayError)
    expect(await under.names()).toEqual([])
  })

  it.each([
    ['UploadPart', 'denied'],
    ['CompleteMultipartUpload', 'internal_error'],
  ] as const)('whose %s fails by %s leaves no parts', async (operation, fault) => {
    const { store, emulator } = await open()
    emulator.spoil(operation, { always: fault })
    await expect(store.put(source(2 * PART_BYTES + 1), options)).rejects.toThrow(GatewayError)
    expect(await under.names()).toEqual([])
    const calls = emulator.requests.filter((request) => request.operation === operation)
    expect(calls.length).toBeLessThanOrEqual(3 * 3)
  })
})

it('works with stores that know no checksum but Content-MD5', async () => {
  const { store } = await open({ emulator: { onlyMd5: true } })
  await store.put(Buffer.from('abc'), options)
  await store.put(source(2 * PART_BYTES), options)
  expect(await store.sweep(60_000)).toBe(2)
})

describe('a bucket that fails', () => {
  const failing = async (prepare: (bucket: S3StoreUnderTest) => void | Promise<void>) => {
    await open()
    await prepare(under)
    return under.store.put(Buffer.from('abc'), options).catch((error: unknown) => error)
  }

  it.each([
    ['denied', 'its bucket does not let it in', { code: 'AccessDenied', status: 403 }, 1],
    ['slow_down', 'its bucket is overloaded', { code: 'SlowDown', status: 503 }, 3],
    ['internal_error', 'its bucket is out of order', { code: 'InternalError', status: 500 }, 3],
    ['reset_before', 'its bucket does not answer', { code: 'ECONNRESET' }, 3],
  ] as const)('by %s is a fault of the gateway that names no bucket and no key', async (...row) => {
    const [fault, reason, failure, tries] = row
    const error = await failing(({ emulator }) => emulator.spoil('PutObject', { always: fault }))
    expect(error).toBeInstanceOf(GatewayError)
    expect(error).toMatchObject({
      code: 'INTERNAL_ERROR',
      message: `The gateway cannot store the image: ${reason}`,
    })
    expect(under.failures).toEqual([failure])
    expect(under.emulator.requests).toHaveLength(tries)
  })

  it('by being away does so too', async () => {
    const error = await failing(({ emulator }) => emulator.close())
    expect(error).toMatchObject({
      message: 'The gateway cannot store the image: its bucket does not answer',
    })
    expect(under.failures).toEqual([{ code: 'ECONNREFUSED' }])
  })

  it.each([
    [{ bucket: 'another-bucket' }, 'its bucket does not exist'],
    [{ region: 'us-east-1' }, 'its bucket is in another region'],
    [
      { credentials: { accessKeyId: 'AKIAOTHER', secretAccessKey: 'x' } },
      'its bucket does not know its access key',
    ],
    [
      { credentials: { accessKeyId: 'AKIAEMULATED', secretAccessKey: 'x' } },
      'its bucket does not accept its secret key',
    ],
  ])('because of the setting %j says so', async (settings, reason) => {
    const { store } = await open({ settings })
    await expect(store.put(Buffer.from('abc'), options)).rejects.toThrow(
      `The gateway cannot store the image: ${reason}`,
    )
    await expect(store.open(createMediaFileName(options))).rejects.toThrow(
      `The gateway cannot read the image: ${reason}`,
    )
  })

  it.each([
    ['internal_error', 503, true],
    ['denied', 500, false],
  ] as const)('at a read by %s is a %i', async (fault, status, isRetried) => {
    const { store, emulator } = await open()
    const { file } = await store.put(Buffer.from('abc'), options)
    emulator.spoil('GetObject', { always: fault })
    const error = (await store.open(file).catch((thrown: unknown) => thrown)) as GatewayError
    expect([error.status, error.code === 'OVERLOADED']).toEqual([status, isRetried])
  })

  it('in the middle of a read breaks the stream off', async () => {
    const { store, emulator } = await open()
    const { file } = await store.put(Buffer.alloc(1_000_000), options)
    emulator.spoil('GetObject', ['reset_inside'])
    const opened = await store.open(file)
    await expect(opened && buffer(opened.stream)).rejects.toThrow()
  })
})

describe('a link to an object', () => {
  const presigned = { settings: { delivery: 'presigned' } } as const

  it('is given out by stores that deliver themselves only', async () => {
    expect((await open()).store.linkTo).toBeUndefined()
  })

  it('opens the object by its own method and no other', async () => {
    const { store } = await open(presigned)
    const { file } = await store.put(Buffer.from('abcdef'), options)
    const get = (await store.linkTo?.(file, 'GET', 60)) ?? ''
    const head = (await store.linkTo?.(file, 'HEAD', 60)) ?? ''
    const answer = await fetch(get)
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
      200,
      'image/png',
      'abcdef',
    ])
    expect((await fetch(get, { headers: { range: 'bytes=1-2' } })).status).toBe(206)
    const headAnswer = await fetch(head, { method: 'HEAD' })
    expect([headAnswer.status, headAnswer.headers.get('content-length')]).toEqual([200, '6'])
    expect((await fetch(head)).status).toBe(403)
    expect((await fetch(get, { method: 'DELETE' })).status).toBe(403)
  })

  it('holds for the time given, and for nothing else', async () => {
    const { store } = await open(presigned)
    const { file } = await store.put(Buffer.from('abc'), options)
    const link = new URL((await store.linkTo?.(file, 'GET', 60)) ?? '')
    expect(link.searchParams.get('X-Amz-Expires')).toBe('60')
    for (const [name, value] of [
      ['X-Amz-Expires', '600000'],
      ['response-content-type', 'text/html'],
    ] as const) {
      const forged = new URL(link)
      forged.searchParams.set(name, value)
      expect((await fetch(forged)).status).toBe(403)
    }
  })

  it('names the bucket in the host unless it stands in the path', async () => {
    const { store } = await open({
      settings: { ...presigned.settings, isPathStyle: false, endpoint: 'https://s3.example.com' },
    })
    const link = new URL((await store.linkTo?.(createMediaFileName(options), 'GET', 60)) ?? '')
    expect(link.host).toBe('emulated-bucket.s3.example.com')
    expect(link.pathname).toMatch(/^\/some\/folder\/0000000060-[0-9a-f]{32}\.png$/)
  })
})
