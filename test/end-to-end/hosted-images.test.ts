import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { MAX_HAND_OUTS } from '#src/images/limit-hand-outs.ts'
import { type S3Emulator, startS3Emulator } from '#test/emulators/s3/s3-emulator.ts'
import { gatewayOfFile } from '#test/helpers/gateway-of-file.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { rawRequest } from '#test/helpers/raw-request.ts'
import {
  GENERATIONS,
  startTestGateway,
  TEST_KEY,
  type TestGateway,
} from '#test/helpers/start-test-gateway.ts'

const prompt = { model: FIRST_MODEL, prompt: 'p' }

const gateway = await gatewayOfFile()

const host = async ({ post }: TestGateway): Promise<string> => {
  const { body } = await post(GENERATIONS, { ...prompt, response_format: 'url' })
  return body.data[0].url
}

const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer())

describe('media URLs', () => {
  it.each(['a b"c/d', ''])('do not repeat the host header %j', async (host) => {
    const port = Number(new URL(gateway.url).port)
    const body = JSON.stringify({ ...prompt, response_format: 'url' })
    const text = await rawRequest(
      port,
      `POST ${GENERATIONS} HTTP/1.0\r\nhost: ${host}\r\nauthorization: Bearer ${TEST_KEY}\r\n` +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    expect(text).toContain(`"url":"http://127.0.0.1:${port}/v1/media/`)
  })
})

describe('hosted images', () => {
  const open = async (url: URL | string) => {
    const response = await fetch(url)
    return [response.status, response.headers.get('content-type')]
  }

  it('open by their signed URL only', async () => {
    const url = new URL(await host(gateway))
    expect(await open(url)).toEqual([200, 'image/png'])
    const missing = [404, 'application/json']
    const forged = new URL(url)
    forged.searchParams.set('expires', '9999999999')
    expect(await open(forged)).toEqual(missing)
    expect(await open(`${gateway.url}${url.pathname}`)).toEqual(missing)
    const otherFile = url.href.replace(/[0-9a-f]\.png/, '0.png').replace('media/1', 'media/2')
    expect(await open(otherFile)).toEqual(missing)
    expect(await open(`${gateway.url}/v1/media/..%2F.signing-key${url.search}`)).toEqual(missing)
  })
})

describe.each(['folder', 'bucket'] as const)('an image hosted in a %s', (kind) => {
  let s3: S3Emulator
  let own: TestGateway
  let url: string
  let whole: Buffer
  beforeAll(async () => {
    s3 = await startS3Emulator()
    own = await startTestGateway({ environment: kind === 'bucket' ? { ...s3.environment } : {} })
    url = await host(own)
    whole = await bytesOf(await fetch(url))
  })
  afterAll(async () => {
    await own.close()
    await s3.close()
  })
  const file = () => new URL(url).pathname.split('/').at(-1) ?? ''

  it('comes whole, with its type, its name and how long it may be kept', async () => {
    const response = await fetch(url, { headers: { authorization: `Bearer ${TEST_KEY}` } })
    const { headers } = response
    expect([response.status, Object.fromEntries(headers)]).toMatchObject([
      200,
      {
        'content-type': 'image/png',
        'content-length': String(whole.length),
        'content-disposition': `inline; filename="${file()}"`,
        'accept-ranges': 'bytes',
        'access-control-allow-origin': '*',
        'x-content-type-options': 'nosniff',
        etag: `"${file()}"`,
      },
    ])
    expect(headers.get('cache-control')).toMatch(/^private, max-age=3[56]\d\d, immutable$/)
    expect((await bytesOf(response)).subarray(1, 4).toString()).toBe('PNG')
  })

  it('answers HEAD as GET, without the image', async () => {
    const pick = ({ status, headers }: Response) => [
      status,
      ...['content-type', 'content-length', 'etag', 'accept-ranges'].map((name) =>
        headers.get(name),
      ),
    ]
    const head = await fetch(url, { method: 'HEAD' })
    expect(pick(head)).toEqual(pick(await fetch(url)))
    expect(head.headers.get('content-length')).toBe(String(whole.length))
  })

  it.each([
    ['bytes=0-9', 0, 10],
    ['bytes=100-', 100, undefined],
    ['bytes=-20', -20, undefined],
  ])('gives the part %s', async (range, start, end) => {
    const response = await fetch(url, { headers: { range } })
    const expected = whole.subarray(start, end)
    const first = whole.length - whole.subarray(start).length
    const contentRange = `bytes ${first}-${first + expected.length - 1}/${whole.length}`
    expect([response.status, response.headers.get('content-range')]).toEqual([206, contentRange])
    expect(response.headers.get('content-length')).toBe(String(expected.length))
    expect((await bytesOf(response)).equals(expected)).toBe(true)
  })

  it('has nothing outside its bytes, and says how many there are', async () => {
    const response = await fetch(url, { headers: { range: 'bytes=999999999-' } })
    const { headers } = response
    expect([response.status, headers.get('content-range')]).toEqual([
      416,
      `bytes */${whole.length}`,
    ])
    expect([headers.get('content-type'), headers.get('cache-control')]).toEqual([
      'application/json',
      null,
    ])
    expect(await response.json()).toMatchObject({ error: { code: 'INVALID_REQUEST' } })
  })

  it('comes whole when the part is of another image', async () => {
    const ask = async (ifRange: string) =>
      (await fetch(url, { headers: { range: 'bytes=0-9', 'if-range': ifRange } })).status
    expect([await ask('"another"'), await ask(`"${file()}"`)]).toEqual([200, 206])
  })

  it.each(['GET', 'HEAD'])('is not sent to whoever has it, by %s', async (method) => {
    const headers = { 'if-none-match': `"other", "${file()}"` }
    const response = await fetch(url, { method, headers })
    expect([response.status, response.headers.get('etag'), await response.text()]).toEqual([
      304,
      `"${file()}"`,
      '',
    ])
  })
})

it('an image has no more readers at once than it may, whose places are free when they leave', async () => {
  const own = await startTestGateway()
  const url = new URL(await host(own))
  // More than the system takes in for a reader who does not read.
  const file = join(own.mediaDir, url.pathname.split('/').at(-1) ?? '')
  await writeFile(file, Buffer.alloc(20_000_000))
  const get = `GET ${url.pathname}${url.search} HTTP/1.1\r\nhost: x\r\n\r\n`
  const readers = Array.from({ length: MAX_HAND_OUTS }, () => {
    const socket = connect(Number(url.port), '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(get)
    return socket
  })
  await Promise.all(readers.map((socket) => once(socket, 'readable')))
  const refused = await fetch(url)
  expect([refused.status, refused.headers.get('retry-after'), await refused.json()]).toEqual([
    503,
    '1',
    { error: expect.objectContaining({ code: 'OVERLOADED' }) },
  ])
  for (const socket of readers) socket.destroy()
  const readPart = async () => (await fetch(url, { headers: { range: 'bytes=0-9' } })).status
  await expect.poll(readPart, { timeout: 10_000, interval: 200 }).toBe(206)
  await own.close()
}, 30_000)

it('drafts of a stream are not stored, though its images are kept', async () => {
  const own = await startTestGateway()
  own.emulators.gemini.setScenario({ alwaysDraft: true })
  const answer = await fetch(own.url + GENERATIONS, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${TEST_KEY}`,
      'content-type': 'application/json',
      'idempotency-key': 'k',
    },
    body: JSON.stringify({ ...prompt, stream: true, partial_images: 2 }),
  })
  const events = (await answer.text()).match(/^event: .*$/gm)
  expect(events).toEqual([
    'event: image_generation.partial_image',
    'event: image_generation.completed',
  ])
  expect((await readdir(own.mediaDir)).filter((name) => name.endsWith('.png'))).toHaveLength(1)
  await own.close()
})

describe('images in a bucket', () => {
  let s3: S3Emulator
  const gateways: TestGateway[] = []
  const start = async (environment: Record<string, string> = {}) => {
    const started = await startTestGateway({ environment: { ...s3.environment, ...environment } })
    gateways.push(started)
    return started
  }
  beforeEach(async () => {
    s3 = await startS3Emulator()
  })
  afterEach(async () => {
    await Promise.all(gateways.splice(0).map((each) => each.close()))
    await s3.close()
  })

  it('open at every gateway on the bucket, which share one key', async () => {
    const [one, other] = await Promise.all([start(), start()])
    const { pathname, search } = new URL(await host(one))
    const answers = await Promise.all(
      [one, other].map(async (each) => bytesOf(await fetch(each.url + pathname + search))),
    )
    expect(answers[1]?.equals(answers[0] ?? Buffer.alloc(0))).toBe(true)
    const file = pathname.split('/').at(-1) ?? ''
    expect([...s3.bucket.objects.keys()].toSorted()).toEqual(['.signing-key', file])
    expect(s3.bucket.objects.get(file)?.bytes.equals(answers[0] ?? Buffer.alloc(0))).toBe(true)
  })

  it('that cannot be stored end the request, and no second provider is paid', async () => {
    const own = await start()
    s3.spoil('PutObject', { always: 'denied' })
    const { status, body, headers } = await own.post(GENERATIONS, {
      ...prompt,
      response_format: 'url',
    })
    expect([status, body.error, headers.get('x-should-retry')]).toMatchObject([
      500,
      {
        code: 'INTERNAL_ERROR',
        message: 'The gateway cannot store the image: its bucket does not let it in',
      },
      'false',
    ])
    expect(own.creates()).toBe(1)
    expect(own.logText()).toContain('"code":"AccessDenied","status":403')
    for (const secret of ['emulated-bucket', 'AKIAEMULATED', 'emulated/secret+key']) {
      expect(own.logText() + JSON.stringify(body)).not.toContain(secret)
    }
  })

  it('that cannot be read are a 503 to be tried again, never a broken 200', async () => {
    const own = await start()
    const url = await host(own)
    s3.spoil('GetObject', { always: 'reset_before' })
    const response = await fetch(url)
    expect([response.status, response.headers.get('cache-control')]).toEqual([503, null])
    expect(await response.json()).toMatchObject({
      error: {
        code: 'OVERLOADED',
        message: 'The gateway cannot read the image: its bucket does not answer',
      },
    })
    s3.mend()
    expect((await fetch(url)).status).toBe(200)
  })

  it('may be delivered by the bucket itself, behind URLs of the gateway', async () => {
    const own = await start({ MEDIA_S3_DELIVERY: 'presigned', MEDIA_S3_PREFIX: 'a/b' })
    const url = await host(own)
    expect(url.startsWith(`${own.url}/v1/media/`)).toBe(true)
    const redirect = await fetch(url, { redirect: 'manual' })
    expect([redirect.status, redirect.headers.get('cache-control')]).toEqual([
      302,
      'private, no-store',
    ])
    const target = new URL(redirect.headers.get('location') ?? '')
    expect([target.origin, target.searchParams.get('X-Amz-Expires')]).toEqual([s3.url, '300'])
    const key = [...s3.bucket.objects.keys()].find((each) => each.endsWith('.png')) ?? ''
    expect(key.startsWith('a/b/')).toBe(true)
    const authorization = `Bearer ${TEST_KEY}`
    const followed = await fetch(url, { headers: { authorization } })
    expect(
      (await bytesOf(followed)).equals(s3.bucket.objects.get(key)?.bytes ?? Buffer.alloc(0)),
    ).toBe(true)
    expect(followed.headers.get('content-type')).toBe('image/png')
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200)
  })
})
