import { Readable } from 'node:stream'
import { AbortMultipartUploadCommand, HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import type { ByteSource } from '#src/bytes/byte-source.ts'

/** Smallest part that S3 takes; an image up to this size is one request. */
const PART_BYTES = 5 * 1024 * 1024
/** Parts on their way at once: an upload holds at most these and the one being filled, 15 MiB. */
const PARTS_AT_ONCE = 2

/** Most bytes that an upload holds. */
export const UPLOAD_HOLDS_BYTES = PART_BYTES * (PARTS_AT_ONCE + 1)

/** Where an object comes to lie, and its metadata. */
export interface ObjectTarget {
  readonly Bucket: string
  readonly Key: string
  readonly ContentType: string
  readonly CacheControl: string
  readonly ContentDisposition: string
}

/** The bytes were the problem, not the bucket. */
export class SourceError extends Error {
  override readonly name = 'SourceError'
  readonly original: unknown

  constructor(original: unknown) {
    super('the source of an upload failed')
    this.original = original
  }
}

/** The same client, whose requests end with the signal; `Upload` itself would let those under way finish. */
const endingWith = (client: S3Client, abortSignal: AbortSignal): S3Client => {
  const send = (command: Parameters<S3Client['send']>[0]) =>
    client.send(command, command instanceof AbortMultipartUploadCommand ? {} : { abortSignal })
  return Object.create(client, { send: { value: send } }) as S3Client
}

/** The answer to the end of an upload may be lost on its way: the next try finds no upload any more, but the object. */
const isThere = async (
  client: S3Client,
  { Bucket, Key }: ObjectTarget,
  sizeBytes: number,
): Promise<boolean> => {
  try {
    const { ContentLength } = await client.send(new HeadObjectCommand({ Bucket, Key }))
    return ContentLength === sizeBytes
  } catch {
    return false
  }
}

/**
 * Sends bytes of unknown length in one request or in parts; resolves to their number. What fails leaves no object and
 * no parts. Rejects with `SourceError`, or with the SDK's error.
 */
export const uploadObject = async (
  client: S3Client,
  target: ObjectTarget,
  source: ByteSource | Uint8Array,
  signal?: AbortSignal,
): Promise<number> => {
  signal?.throwIfAborted()
  let sizeBytes = 0
  let failure: SourceError | undefined
  const read = async function* () {
    try {
      for await (const chunk of source as ByteSource) {
        sizeBytes += chunk.length
        yield chunk
      }
    } catch (error) {
      failure = new SourceError(error)
      throw failure
    }
  }
  const isHeld = source instanceof Uint8Array
  const abortController = new AbortController()
  const onAbort = (): void => abortController.abort()
  const sender = signal ? endingWith(client, signal) : client
  const sentBytes = (): number => (isHeld ? source.length : sizeBytes)
  const upload = new Upload({
    client: sender,
    params: { ...target, Body: isHeld ? source : Readable.from(read()) },
    partSize: PART_BYTES,
    queueSize: PARTS_AT_ONCE,
    abortController,
  })
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    await upload.done()
    return sentBytes()
  } catch (error) {
    const isGone = !failure && error instanceof Error && error.name === 'NoSuchUpload'
    if (isGone && (await isThere(sender, target, sentBytes()))) return sentBytes()
    // The upload's own error may be that of the clearing up that followed.
    throw failure ?? error
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
}
