import {
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type S3Emulator, startS3Emulator } from './s3-emulator.ts'
import { checkSignature } from './s3-signature.ts'

let emulator: S3Emulator
beforeAll(async () => {
  emulator = await startS3Emulator()
})
afterAll(() => emulator.close())
afterEach(() => emulator.mend())

const Bucket = 'emulated-bucket'
const clientOf = (environment: Record<string, string> = {}) => {
  const settings = { ...emulator.environment, ...environment }
  return new S3Client({
    region: settings['MEDIA_S3_REGION'] ?? '',
    endpoint: emulator.url,
    forcePathStyle: true,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    credentials: {
      accessKeyId: settings['MEDIA_S3_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: settings['MEDIA_S3_SECRET_ACCESS_KEY'] ?? '',
    },
  })
}
const nameOf = (error: unknown) => (error instanceof Error ? error.name : undefined)

describe('the signature', () => {
  // "Authenticating Requests: Using the Authorization Header", example "GET Object", and "Using Query Parameters".
  const documented = {
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    region: 'us-east-1',
    now: () => Date.parse('2013-05-24T00:00:00Z'),
  }
  const requestOf = (path: string, headers: Record<string, string>) => ({
    method: 'GET',
    path: path.split('?')[0] ?? '',
    query: new URL(path, 'http://s3').searchParams,
    headers: { host: 'examplebucket.s3.amazonaws.com', ...headers },
    bytes: Buffer.alloc(0),
    json: undefined,
    parameters: {},
    call: { kind: 'other', method: 'GET', path, headers, body: undefined, at: 0 } as const,
    signal: new AbortController().signal,
  })
  const scope = 'AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request'

  it('of the header in Amazon’s documentation is good, and no other', () => {
    const hash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
    const signature = 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41'
    const headers = (given: string) => ({
      range: 'bytes=0-9',
      'x-amz-content-sha256': hash,
      'x-amz-date': '20130524T000000Z',
      authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, Signature=${given}`,
    })
    expect(checkSignature(requestOf('/test.txt', headers(signature)), documented)).toBeUndefined()
    const forged = requestOf('/test.txt', headers(`0${signature.slice(1)}`))
    expect(checkSignature(forged, documented)?.code).toBe('SignatureDoesNotMatch')
  })

  it('of the presigned URL in Amazon’s documentation is good until it expires', () => {
    const query = new URLSearchParams({
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': scope,
      'X-Amz-Date': '20130524T000000Z',
      'X-Amz-Expires': '86400',
      'X-Amz-SignedHeaders': 'host',
      'X-Amz-Signature': 'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
    })
    const request = requestOf(`/test.txt?${query}`, {})
    expect(checkSignature(request, documented)).toBeUndefined()
    const later = { ...documented, now: () => documented.now() + 86_401_000 }
    expect(checkSignature(request, later)).toMatchObject({ message: 'Request has expired' })
  })

  it('of another key, secret or region is refused', async () => {
    const attempt = (environment: Record<string, string>) =>
      clientOf(environment)
        .send(new ListObjectsV2Command({ Bucket }))
        .then(() => 'served', nameOf)
    expect(await attempt({})).toBe('served')
    expect(await attempt({ MEDIA_S3_ACCESS_KEY_ID: 'other' })).toBe('InvalidAccessKeyId')
    expect(await attempt({ MEDIA_S3_SECRET_ACCESS_KEY: 'o' })).toBe('SignatureDoesNotMatch')
    expect(await attempt({ MEDIA_S3_REGION: 'us-east-1' })).toBe('AuthorizationHeaderMalformed')
  })

  it('is needed, once', async () => {
    const url = await getSignedUrl(clientOf(), new GetObjectCommand({ Bucket, Key: 'a b+c' }))
    expect((await fetch(`${emulator.url}/${Bucket}/a`)).status).toBe(403)
    expect((await fetch(url)).status).toBe(404)
    const twice = await fetch(url, { headers: { authorization: 'Bearer k' } })
    expect([twice.status, await twice.text()]).toEqual([
      400,
      expect.stringContaining('Only one auth mechanism allowed'),
    ])
  })
})

describe('objects', () => {
  it('come back as they were put, under any name', async () => {
    const client = clientOf()
    const Key = "folder/ä b+c&d='e'.png"
    await client.send(new PutObjectCommand({ Bucket, Key, Body: 'abc', ContentType: 'image/png' }))
    const object = await client.send(new GetObjectCommand({ Bucket, Key, Range: 'bytes=1-' }))
    expect([object.ContentType, object.ContentRange]).toEqual(['image/png', 'bytes 1-2/3'])
    expect(await object.Body?.transformToString()).toBe('bc')
    const list = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'folder/' }))
    expect(list.Contents?.map((each) => each.Key)).toEqual([Key])
  })

  it('are not written over where that is forbidden', async () => {
    const put = () =>
      clientOf().send(new PutObjectCommand({ Bucket, Key: 'once', Body: 'a', IfNoneMatch: '*' }))
    await put()
    expect(await put().catch(nameOf)).toBe('PreconditionFailed')
  })

  it('are spoilt as often as was asked', async () => {
    emulator.spoil('GetObject', ['slow_down', 'denied'])
    const get = () =>
      clientOf()
        .send(new GetObjectCommand({ Bucket, Key: 'none' }))
        .catch(nameOf)
    expect([await get(), await get(), await get()]).toEqual([
      'SlowDown',
      'AccessDenied',
      'NoSuchKey',
    ])
  })

  it('get no parts without an upload', async () => {
    const command = new UploadPartCommand({
      Bucket,
      Key: 'a',
      UploadId: 'none',
      PartNumber: 1,
      Body: 'a',
    })
    expect(await clientOf().send(command).catch(nameOf)).toBe('NoSuchUpload')
  })
})
