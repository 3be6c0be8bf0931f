import type { Readable } from 'node:stream'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { ByteSource } from '#src/bytes/byte-source.ts'
import type { Clock } from '#src/domain/clock.ts'
import { mediaTypeOf } from '#src/domain/media.ts'
import {
  type ByteRange,
  createMediaFileName,
  type MediaDescription,
  type MediaStore,
  type OpenedMedia,
  readMediaFileName,
  type StoredMedia,
  type StoreOptions,
} from './media-store.ts'
import type { S3BucketSettings } from './s3-client.ts'
import {
  cannotRead,
  cannotStore,
  isMissingObject,
  readS3Failure,
  type S3Failure,
} from './s3-failure.ts'
import { sweepBucket } from './s3-sweep.ts'
import { SourceError, UPLOAD_HOLDS_BYTES, uploadObject } from './s3-upload.ts'

export interface S3MediaStoreOptions {
  /** Stays the caller's, who destroys it. */
  readonly client: S3Client
  readonly settings: S3BucketSettings
  readonly clock: Clock
  /** Told of each request that failed for good, for the operator. */
  readonly onFailure: (failure: S3Failure) => void
}

const objectOf = ({ settings: { bucket, prefix } }: S3MediaStoreOptions, file: string) => ({
  Bucket: bucket,
  Key: `${prefix}${file}`,
})

/** Tells the operator what the client is not told. */
const report = (error: unknown, { onFailure }: S3MediaStoreOptions): S3Failure => {
  const failure = readS3Failure(error)
  onFailure(failure)
  return failure
}

const put = async (
  store: S3MediaStoreOptions,
  source: ByteSource | Uint8Array,
  options: StoreOptions,
): Promise<StoredMedia> => {
  const file = createMediaFileName(options)
  const lifeS = Math.max(0, Math.ceil((options.expiresAtMs - store.clock.now()) / 1000))
  const target = {
    ...objectOf(store, file),
    ContentType: mediaTypeOf(options.format),
    CacheControl: `private, max-age=${lifeS}, immutable`,
    ContentDisposition: `inline; filename="${file}"`,
  }
  try {
    return { file, sizeBytes: await uploadObject(store.client, target, source, options.signal) }
  } catch (error) {
    if (error instanceof SourceError) throw error.original
    if (options.signal?.aborted) throw error
    throw cannotStore(report(error, store))
  }
}

/** What a read resolves to; `undefined` when the object is not there. */
const unlessMissing = async <T>(
  store: S3MediaStoreOptions,
  read: () => Promise<T>,
): Promise<T | undefined> => {
  try {
    return await read()
  } catch (error) {
    if (isMissingObject(error)) return undefined
    throw cannotRead(report(error, store))
  }
}

const describe = async (
  store: S3MediaStoreOptions,
  file: string,
): Promise<MediaDescription | undefined> => {
  const named = readMediaFileName(file)
  if (!named) return undefined
  return unlessMissing(store, async () => {
    const head = await store.client.send(new HeadObjectCommand(objectOf(store, file)))
    return { sizeBytes: head.ContentLength ?? 0, mediaType: mediaTypeOf(named.format) }
  })
}

const open = async (
  store: S3MediaStoreOptions,
  file: string,
  part?: ByteRange,
): Promise<OpenedMedia | undefined> => {
  const named = readMediaFileName(file)
  if (!named) return undefined
  return unlessMissing(store, async () => {
    const range = part && { Range: `bytes=${part.firstByte}-${part.lastByte}` }
    const object = await store.client.send(
      new GetObjectCommand({ ...objectOf(store, file), ...range }),
    )
    return {
      stream: object.Body as Readable,
      sizeBytes: object.ContentLength ?? 0,
      mediaType: mediaTypeOf(named.format),
    }
  })
}

/**
 * Only what a signature over the method covers is asked for: a URL that was presigned for GET does not answer HEAD.
 */
const presign = (
  store: S3MediaStoreOptions,
  file: string,
  method: 'GET' | 'HEAD',
  lifetimeS: number,
): Promise<string> => {
  const object = objectOf(store, file)
  const command = method === 'GET' ? new GetObjectCommand(object) : new HeadObjectCommand(object)
  return getSignedUrl(store.client, command, { expiresIn: lifetimeS })
}

/** Keeps images in a bucket, which several gateways may share. Touches nothing whose name is no image's. */
export const createS3MediaStore = (store: S3MediaStoreOptions): MediaStore => {
  const { client, settings } = store
  const { bucket, prefix, delivery } = settings
  return {
    putHoldsBytes: UPLOAD_HOLDS_BYTES,
    put: (source, options) => put(store, source, options),
    describe: (file) => describe(store, file),
    open: (file, part) => open(store, file, part),
    remove: async (file) => {
      if (!readMediaFileName(file)) return
      await unlessMissing(store, () => client.send(new DeleteObjectCommand(objectOf(store, file))))
    },
    sweep: async (nowMs) => sweepBucket({ client, bucket, prefix }, nowMs),
    ...(delivery === 'presigned' && {
      linkTo: (file, method, lifetimeS) => presign(store, file, method, lifetimeS),
    }),
  }
}
