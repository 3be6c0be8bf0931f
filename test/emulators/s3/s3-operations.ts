import { createHash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { WireReply, WireRequest } from '#test/emulators/wire.ts'
import { etagOf, etagOfParts, metadataOf, type S3Bucket, type S3Object } from './s3-bucket.ts'
import { errorReply, readElements, xmlReply } from './s3-xml.ts'

/** What an operation works on. */
export interface S3Call {
  readonly request: WireRequest
  readonly bucket: S3Bucket
  readonly bucketName: string
  /** Percent-decoded; empty for operations on the bucket. */
  readonly key: string
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Most entries on one page of a list. */
  readonly pageSize: number
  /** Deletes several objects only with `Content-MD5`, and with no other checksum. */
  readonly onlyMd5: boolean
}

/** The smallest part but for the last. */
const MIN_PART_BYTES = 5 * 1024 * 1024
const MAX_PARTS = 10_000

const empty = (status: number, headers: Record<string, string> = {}): WireReply => ({
  status,
  headers,
  body: '',
})

const noSuchKey = (): WireReply => errorReply(404, 'NoSuchKey', 'The specified key does not exist.')
const noSuchUpload = (): WireReply =>
  errorReply(404, 'NoSuchUpload', 'The specified multipart upload does not exist.')

const putObject = ({ request, bucket, key, now }: S3Call): WireReply => {
  const condition = request.headers['if-none-match']
  if (condition !== undefined && condition !== '*') {
    return errorReply(501, 'NotImplemented', 'If-None-Match of a PUT takes * only')
  }
  if (condition === '*' && bucket.objects.has(key)) {
    return errorReply(412, 'PreconditionFailed', 'At least one precondition did not hold')
  }
  const { bytes } = request
  const etag = etagOf(bytes)
  bucket.objects.set(key, { bytes, etag, storedAt: now, headers: metadataOf(request.headers) })
  return empty(200, { etag })
}

const rangeOf = (header: string, size: number): [number, number] | undefined => {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header) ?? []
  if (first === '' && last === '') return [0, size - 1]
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  return start <= end && start < size ? [start, end] : undefined
}

const headersOf = (object: S3Object, query: URLSearchParams): Record<string, string> => {
  const overrides = [...query].filter(([name]) => name.startsWith('response-'))
  return {
    'content-type': 'binary/octet-stream',
    ...object.headers,
    ...Object.fromEntries(
      overrides.map(([name, value]) => [name.slice('response-'.length), value]),
    ),
    etag: object.etag,
    'last-modified': new Date(object.storedAt).toUTCString(),
    'accept-ranges': 'bytes',
  }
}

/** GET and HEAD: the server itself leaves the body of a HEAD out. */
const getObject = ({ request, bucket, key }: S3Call): WireReply => {
  const object = bucket.objects.get(key)
  if (!object) return noSuchKey()
  const headers = headersOf(object, request.query)
  if (request.headers['if-none-match'] === object.etag) return empty(304, { etag: object.etag })
  const asked = request.headers['range']
  if (asked === undefined) return { status: 200, headers, body: object.bytes }
  const range = rangeOf(asked, object.bytes.length)
  if (!range) {
    const reply = errorReply(416, 'InvalidRange', 'The requested range is not satisfiable')
    return {
      ...reply,
      headers: { ...reply.headers, 'content-range': `bytes */${object.bytes.length}` },
    }
  }
  const [start, end] = range
  const contentRange = `bytes ${start}-${end}/${object.bytes.length}`
  return {
    status: 206,
    headers: { ...headers, 'content-range': contentRange },
    body: object.bytes.subarray(start, end + 1),
  }
}

const deleteObject = ({ bucket, key }: S3Call): WireReply => {
  bucket.objects.delete(key)
  return empty(204)
}

const createUpload = ({ request, bucket, bucketName, key, now }: S3Call): WireReply => {
  const uploadId = randomBytes(16).toString('hex')
  const headers = metadataOf(request.headers)
  bucket.uploads.set(uploadId, { key, startedAt: now, headers, parts: new Map() })
  return xmlReply(200, 'InitiateMultipartUploadResult', {
    Bucket: bucketName,
    Key: key,
    UploadId: uploadId,
  })
}

const uploadOf = ({ request, bucket, key }: S3Call) => {
  const upload = bucket.uploads.get(request.query.get('uploadId') ?? '')
  return upload?.key === key ? upload : undefined
}

const uploadPart = (call: S3Call): WireReply => {
  const upload = uploadOf(call)
  if (!upload) return noSuchUpload()
  const { query, bytes } = call.request
  const number = Number(query.get('partNumber'))
  if (!Number.isInteger(number) || number < 1 || number > MAX_PARTS) {
    return errorReply(400, 'InvalidArgument', 'Part number must be an integer from 1 to 10000')
  }
  const etag = etagOf(bytes)
  upload.parts.set(number, { bytes, etag })
  return empty(200, { etag })
}

const completeUpload = (call: S3Call): WireReply => {
  const upload = uploadOf(call)
  if (!upload) return noSuchUpload()
  const { bucket, bucketName, key, now, request } = call
  const xml = request.bytes.toString()
  const numbers = readElements(xml, 'PartNumber').map(Number)
  const etags = readElements(xml, 'ETag')
  if (numbers.length === 0 || numbers.length !== etags.length) {
    return errorReply(400, 'MalformedXML', 'The XML was not well-formed')
  }
  if (numbers.some((number, index) => index > 0 && number <= (numbers[index - 1] ?? 0))) {
    return errorReply(400, 'InvalidPartOrder', 'The parts were not in ascending order')
  }
  const parts = numbers.map((number) => upload.parts.get(number))
  if (parts.some((part, index) => part?.etag !== etags[index])) {
    return errorReply(400, 'InvalidPart', 'One or more of the parts could not be found')
  }
  const pieces = parts.flatMap((part) => (part ? [part.bytes] : []))
  if (pieces.slice(0, -1).some((piece) => piece.length < MIN_PART_BYTES)) {
    return errorReply(400, 'EntityTooSmall', 'A part is smaller than the minimum')
  }
  const bytes = Buffer.concat(pieces)
  const etag = etagOfParts(etags)
  bucket.objects.set(key, { bytes, etag, storedAt: now, headers: upload.headers })
  bucket.uploads.delete(request.query.get('uploadId') ?? '')
  return xmlReply(200, 'CompleteMultipartUploadResult', {
    Bucket: bucketName,
    Key: key,
    ETag: etag,
  })
}

const abortUpload = (call: S3Call): WireReply => {
  if (!uploadOf(call)) return noSuchUpload()
  call.bucket.uploads.delete(call.request.query.get('uploadId') ?? '')
  return empty(204)
}

const listObjects = ({ request, bucket, bucketName, pageSize }: S3Call): WireReply => {
  const { query } = request
  const prefix = query.get('prefix') ?? ''
  const token = query.get('continuation-token')
  const after = token === null ? '' : Buffer.from(token, 'base64url').toString()
  const keys = [...bucket.objects.keys()]
    .filter((key) => key.startsWith(prefix) && key > after)
    .toSorted()
  const limit = Math.min(pageSize, Number(query.get('max-keys') ?? pageSize))
  const page = keys.slice(0, limit)
  const isTruncated = keys.length > page.length
  return xmlReply(200, 'ListBucketResult', {
    Name: bucketName,
    Prefix: prefix,
    KeyCount: page.length,
    MaxKeys: limit,
    IsTruncated: isTruncated,
    ...(isTruncated && {
      NextContinuationToken: Buffer.from(page.at(-1) ?? '').toString('base64url'),
    }),
    Contents: page.map((key) => {
      const { bytes, etag, storedAt } = bucket.objects.get(key) as S3Object
      const LastModified = new Date(storedAt).toISOString()
      return { Key: key, LastModified, ETag: etag, Size: bytes.length, StorageClass: 'STANDARD' }
    }),
  })
}

const listUploads = ({ request, bucket, bucketName, pageSize }: S3Call): WireReply => {
  const { query } = request
  const prefix = query.get('prefix') ?? ''
  const nameOf = (key: string, id: string) => `${key}\0${id}`
  const after = nameOf(query.get('key-marker') ?? '', query.get('upload-id-marker') ?? '')
  const uploads = [...bucket.uploads]
    .filter(([id, { key }]) => key.startsWith(prefix) && nameOf(key, id) > after)
    .toSorted(([left, a], [right, b]) => (nameOf(a.key, left) < nameOf(b.key, right) ? -1 : 1))
  const page = uploads.slice(0, pageSize)
  const [lastId, last] = page.at(-1) ?? []
  return xmlReply(200, 'ListMultipartUploadsResult', {
    Bucket: bucketName,
    Prefix: prefix,
    IsTruncated: uploads.length > page.length,
    NextKeyMarker: last?.key,
    NextUploadIdMarker: lastId,
    Upload: page.map(([id, { key, startedAt }]) => ({
      Key: key,
      UploadId: id,
      Initiated: new Date(startedAt).toISOString(),
    })),
  })
}

const isIntact = ({ headers, bytes }: WireRequest, onlyMd5: boolean): boolean => {
  const md5 = headers['content-md5']
  if (md5 !== undefined) return md5 === createHash('md5').update(bytes).digest('base64')
  const checksum = headers['x-amz-checksum-crc32']
  if (checksum === undefined || onlyMd5) return false
  const expected = Buffer.alloc(4)
  expected.writeUInt32BE(crc32(bytes))
  return checksum === expected.toString('base64')
}

const deleteObjects = ({ request, bucket, onlyMd5 }: S3Call): WireReply => {
  if (!isIntact(request, onlyMd5)) {
    return errorReply(
      400,
      'InvalidRequest',
      'Missing required header for this request: Content-MD5',
    )
  }
  const xml = request.bytes.toString()
  const keys = readElements(xml, 'Key')
  if (keys.length === 0 || keys.length > 1000) {
    return errorReply(400, 'MalformedXML', 'From 1 to 1000 keys can be deleted at once')
  }
  for (const key of keys) bucket.objects.delete(key)
  const isQuiet = readElements(xml, 'Quiet')[0] === 'true'
  return xmlReply(200, 'DeleteResult', isQuiet ? {} : { Deleted: keys.map((Key) => ({ Key })) })
}

interface Operation {
  readonly method: string
  /** A parameter of the query that tells it from others of the method. */
  readonly parameter?: string
  readonly level: 'bucket' | 'object'
  readonly run: (call: S3Call) => WireReply
}

/** What the emulator serves, by S3's own names. The first that fits is taken. */
export const S3_OPERATIONS = {
  UploadPart: { method: 'PUT', parameter: 'partNumber', level: 'object', run: uploadPart },
  PutObject: { method: 'PUT', level: 'object', run: putObject },
  HeadObject: { method: 'HEAD', level: 'object', run: getObject },
  GetObject: { method: 'GET', level: 'object', run: getObject },
  AbortMultipartUpload: {
    method: 'DELETE',
    parameter: 'uploadId',
    level: 'object',
    run: abortUpload,
  },
  DeleteObject: { method: 'DELETE', level: 'object', run: deleteObject },
  CreateMultipartUpload: {
    method: 'POST',
    parameter: 'uploads',
    level: 'object',
    run: createUpload,
  },
  CompleteMultipartUpload: {
    method: 'POST',
    parameter: 'uploadId',
    level: 'object',
    run: completeUpload,
  },
  DeleteObjects: { method: 'POST', parameter: 'delete', level: 'bucket', run: deleteObjects },
  ListObjectsV2: { method: 'GET', parameter: 'list-type', level: 'bucket', run: listObjects },
  ListMultipartUploads: { method: 'GET', parameter: 'uploads', level: 'bucket', run: listUploads },
} as const satisfies Record<string, Operation>

export type S3OperationName = keyof typeof S3_OPERATIONS

/** The operation that a request is; `undefined`: none that the emulator serves. */
export const findOperation = (
  { method, query }: WireRequest,
  key: string,
): S3OperationName | undefined => {
  const level = key === '' ? 'bucket' : 'object'
  const entries = Object.entries(S3_OPERATIONS) as [S3OperationName, Operation][]
  return entries.find(
    ([, each]) =>
      each.method === method &&
      each.level === level &&
      (each.parameter === undefined || query.has(each.parameter)),
  )?.[0]
}
