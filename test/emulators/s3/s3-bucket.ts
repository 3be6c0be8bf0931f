import { createHash } from 'node:crypto'

/** An object as it lies in the bucket. */
export interface S3Object {
  readonly bytes: Buffer
  /** With quotes. */
  readonly etag: string
  /** Milliseconds since the epoch. */
  readonly storedAt: number
  /** Headers that were sent with it and are sent back. */
  readonly headers: Readonly<Record<string, string>>
}

/** An upload in parts that nobody has completed. */
export interface S3Upload {
  readonly key: string
  readonly startedAt: number
  readonly headers: Readonly<Record<string, string>>
  /** By part number. */
  readonly parts: Map<number, { readonly bytes: Buffer; readonly etag: string }>
}

/** What a bucket holds. */
export interface S3Bucket {
  readonly objects: Map<string, S3Object>
  /** By upload id. */
  readonly uploads: Map<string, S3Upload>
}

export const createBucket = (): S3Bucket => ({ objects: new Map(), uploads: new Map() })

const KEPT_HEADERS = ['content-type', 'cache-control', 'content-disposition', 'content-encoding']

/** Of a request, what becomes metadata of its object. */
export const metadataOf = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => KEPT_HEADERS.includes(name) || name.startsWith('x-amz-meta-'),
    ),
  )

export const etagOf = (bytes: Buffer): string =>
  `"${createHash('md5').update(bytes).digest('hex')}"`

/** S3's own way for objects that came in parts: the hash of the hashes, and their number. */
export const etagOfParts = (etags: readonly string[]): string => {
  const hashes = etags.map((etag) => Buffer.from(etag.replaceAll('"', ''), 'hex'))
  const hash = createHash('md5').update(Buffer.concat(hashes)).digest('hex')
  return `"${hash}-${etags.length}"`
}
