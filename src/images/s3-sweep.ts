import {
  AbortMultipartUploadCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  type MultipartUpload,
  type S3Client,
} from '@aws-sdk/client-s3'
import { readMediaFileName } from './media-store.ts'

/** An upload that began longer ago has died with its process: an hour is far above any request's deadline. */
const STALE_UPLOAD_MS = 3_600_000

/** The part of a bucket that is swept. */
export interface SweptFolder {
  readonly client: S3Client
  readonly bucket: string
  /** Empty, or with a slash at the end. */
  readonly prefix: string
}

/** Does one of several removals, whose failure must not keep the others; resolves to how many it removed. */
type Try = (removal: () => Promise<number>) => Promise<number>

const deleteObjects = async (
  { client, bucket }: SweptFolder,
  keys: readonly string[],
): Promise<number> => {
  if (keys.length === 0) return 0
  const { Errors = [] } = await client.send(
    new DeleteObjectsCommand({
      Bucket: bucket,
      Delete: { Objects: keys.map((Key) => ({ Key })), Quiet: true },
    }),
  )
  const [first] = Errors
  if (first) throw Object.assign(new Error('not deleted'), { name: first.Code })
  return keys.length
}

/** Page by page, at most 1,000 each: one request lists a page, one deletes what has expired of it. */
const sweepObjects = async (folder: SweptFolder, nowMs: number, trying: Try): Promise<number> => {
  const { client, bucket, prefix } = folder
  let removed = 0
  let token: string | undefined
  do {
    const page = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }),
    )
    const keys = (page.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [Key]))
    const expiryOf = (key: string) => readMediaFileName(key.slice(prefix.length))?.expiresAtMs
    const expired = keys.filter((key) => (expiryOf(key) ?? Number.POSITIVE_INFINITY) <= nowMs)
    removed += await trying(() => deleteObjects(folder, expired))
    // Listed in the order of names, which is that of expiry: what follows a living image lives too.
    const isLiving = keys.some((key) => (expiryOf(key) ?? 0) > nowMs)
    token = isLiving ? undefined : page.NextContinuationToken
  } while (token)
  return removed
}

const isStale = ({ Initiated }: MultipartUpload, nowMs: number): boolean =>
  Initiated !== undefined && Initiated.getTime() + STALE_UPLOAD_MS <= nowMs

/** Ends one upload; another gateway may have been faster. */
const abortUpload = async (
  { client, bucket }: SweptFolder,
  { Key, UploadId }: MultipartUpload,
): Promise<number> => {
  try {
    await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }))
  } catch (error) {
    if (!(error instanceof Error && error.name === 'NoSuchUpload')) throw error
  }
  return 1
}

const sweepUploads = async (folder: SweptFolder, nowMs: number, trying: Try): Promise<number> => {
  const { client, bucket, prefix } = folder
  let removed = 0
  let markers: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {}
  for (;;) {
    const page = await client.send(
      new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...markers }),
    )
    const isOurs = ({ Key = '' }: MultipartUpload) =>
      readMediaFileName(Key.slice(prefix.length)) !== undefined
    const stale = (page.Uploads ?? []).filter((each) => isOurs(each) && isStale(each, nowMs))
    for (const upload of stale) removed += await trying(() => abortUpload(folder, upload))
    if (!page.IsTruncated) return removed
    markers = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
  }
}

/**
 * Removes expired images, then uploads that nobody finished; resolves to how many that were. Rejects with the first
 * failure, once everything has been tried.
 */
export const sweepBucket = async (folder: SweptFolder, nowMs: number): Promise<number> => {
  const failures: unknown[] = []
  const trying: Try = async (removal) => {
    try {
      return await removal()
    } catch (error) {
      failures.push(error)
      return 0
    }
  }
  const objects = await trying(() => sweepObjects(folder, nowMs, trying))
  const uploads = await trying(() => sweepUploads(folder, nowMs, trying))
  if (failures.length > 0) throw failures[0]
  return objects + uploads
}
