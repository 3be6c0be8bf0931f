import { createHash } from 'node:crypto'
import { S3Client } from '@aws-sdk/client-s3'
import { MAX_HAND_OUTS } from './limit-hand-outs.ts'

/** A bucket that images are hosted in. */
export interface S3BucketSettings {
  readonly bucket: string
  readonly region: string
  /** Absent: Amazon S3. */
  readonly endpoint?: string
  /** What names of objects start with: empty, or with a slash at the end. */
  readonly prefix: string
  /** Absent: the AWS SDK finds them itself. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** Whether the bucket stands in the path of URLs, and not in the host name. */
  readonly isPathStyle: boolean
  /** How media URLs are answered: with the image, or with a redirect to a presigned URL. */
  readonly delivery: 'proxy' | 'presigned'
}

/** A store in reach accepts a connection in milliseconds. */
const CONNECTION_TIMEOUT_MS = 3_000
/** From the request's beginning to the answer's: a part of an upload at 2 Mbit/s takes 20 s. */
const REQUEST_TIMEOUT_MS = 30_000
/** Without a byte on the wire; also a client's, that is handed an image and stops reading. */
const SOCKET_IDLE_MS = 60_000
/** Those of hand-outs (`MAX_HAND_OUTS`), and some for looking objects up. */
const MAX_SOCKETS = MAX_HAND_OUTS + 32
/** Every request here may be sent twice: names are random, and nothing is changed in place. */
const MAX_TRIES = 3

/**
 * MinIO and Ceph of some age delete several objects only with `Content-MD5`, which Amazon documents too; the SDK sends
 * a CRC32 that they do not know. As in the SDK's MD5_FALLBACK.md, 2025-03.
 */
const addMd5ToDeletions = (client: S3Client): void => {
  client.middlewareStack.add(
    (next, { commandName }) =>
      (args) => {
        const request = args.request as { headers: Record<string, string>; body?: unknown }
        if (commandName === 'DeleteObjectsCommand') {
          const isChecksum = /^x-amz-(sdk-)?checksum-/i
          const kept = Object.entries(request.headers).filter(([name]) => !isChecksum.test(name))
          const md5 = createHash('md5').update(String(request.body)).digest('base64')
          request.headers = { ...Object.fromEntries(kept), 'content-md5': md5 }
        }
        return next(args)
      },
    { step: 'build', priority: 'low', name: 'addMd5ToDeletions' },
  )
}

/** A client for the bucket, with limits on connections, time and tries. Has to be destroyed. */
export const createS3Client = (settings: S3BucketSettings): S3Client => {
  const { region, endpoint, credentials, isPathStyle } = settings
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS }
  const client = new S3Client({
    region,
    forcePathStyle: isPathStyle,
    ...(endpoint && { endpoint }),
    ...(credentials && { credentials }),
    maxAttempts: MAX_TRIES,
    retryMode: 'standard',
    // The SDK's own default are trailing checksums, which several S3-compatible stores do not know.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      socketTimeout: SOCKET_IDLE_MS,
      httpAgent: agent,
      httpsAgent: agent,
    },
  })
  addMd5ToDeletions(client)
  return client
}
