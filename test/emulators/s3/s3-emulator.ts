import { createCallLog } from '#test/emulators/call-log.ts'
import { type Route, silence, type WireReply, type WireRequest } from '#test/emulators/wire.ts'
import { startWireServer } from '#test/emulators/wire-server.ts'
import { createBucket, type S3Bucket } from './s3-bucket.ts'
import { findOperation, S3_OPERATIONS, type S3Call, type S3OperationName } from './s3-operations.ts'
import { checkSignature } from './s3-signature.ts'
import { errorReply } from './s3-xml.ts'

/** How an operation may fail. A reset comes after S3 has done what was asked. */
export type S3Fault =
  | 'slow_down'
  | 'internal_error'
  | 'denied'
  | 'conflict'
  | 'reset_before'
  | 'reset_inside'
  | 'hang'

export interface S3EmulatorOptions {
  /** Most entries on one page of a list. Absent: 1,000, as at S3. */
  readonly pageSize?: number
  /**
   * As stores from before 2025: knows no checksum but `Content-MD5`, needs that to delete several objects, and refuses
   * the headers of others (as R2 did). Absent: false.
   */
  readonly onlyMd5?: boolean
}

/** One served or refused request. */
export interface S3Request {
  /** Absent: nothing that is served. */
  readonly operation?: S3OperationName
  readonly key: string
  readonly status: number
  readonly bodyBytes: number
}

/** An S3-compatible store with one bucket, addressed in the path. */
export interface S3Emulator {
  /** Its endpoint, such as `http://127.0.0.1:9000`. */
  readonly url: string
  /** Settings for a gateway that is to host images there. */
  readonly environment: Readonly<Record<string, string>>
  readonly bucket: S3Bucket
  /** In the order of arrival. */
  readonly requests: readonly S3Request[]
  clearRequests(): void
  /** Its clock, in milliseconds since the epoch; settable, the system's when `undefined`. */
  setTime(now: number | undefined): void
  /** Spoils the next calls of the operation, one fault each; `always`: all from now on. */
  spoil(operation: S3OperationName, faults: readonly S3Fault[] | { readonly always: S3Fault }): void
  /** Ends every fault. */
  mend(): void
  close(): Promise<void>
}

const ACCESS_KEY_ID = 'AKIAEMULATED'
const SECRET_ACCESS_KEY = 'emulated/secret+key'
const REGION = 'eu-emulated-1'
const BUCKET = 'emulated-bucket'

const REFUSALS = {
  slow_down: [503, 'SlowDown', 'Please reduce your request rate.'],
  internal_error: [500, 'InternalError', 'We encountered an internal error. Please try again.'],
  denied: [403, 'AccessDenied', `User is not authorized to perform this on ${BUCKET}`],
  conflict: [409, 'ConditionalRequestConflict', 'A conflicting operation is under way.'],
} as const

const spoilt = (fault: S3Fault, run: () => WireReply): WireReply => {
  if (fault === 'hang') return silence
  if (fault === 'reset_before' || fault === 'reset_inside') return { ...run(), delivery: fault }
  const [status, code, message] = REFUSALS[fault]
  return errorReply(status, code, message)
}

type Plan = S3Fault[] | { readonly always: S3Fault }

const nextFault = (plan: Plan | undefined): S3Fault | undefined =>
  plan === undefined || 'always' in plan ? plan?.always : plan.shift()

/** The bucket's name and the object's, from a path such as `/bucket/folder/a.png`. */
const readPath = (path: string): { readonly bucketName: string; readonly key: string } => {
  const [, bucketName = '', ...segments] = path.split('/')
  return { bucketName, key: decodeURIComponent(segments.join('/')) }
}

const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'] as const

/** Starts the store on a port of its own. Every request has to be signed, whichever way. */
export const startS3Emulator = async (options: S3EmulatorOptions = {}): Promise<S3Emulator> => {
  const { pageSize = 1000, onlyMd5 = false } = options
  const bucket = createBucket()
  const requests: S3Request[] = []
  const plans = new Map<S3OperationName, Plan>()
  let time: number | undefined
  const now = (): number => time ?? Date.now()
  const rules = { accessKeyId: ACCESS_KEY_ID, secretAccessKey: SECRET_ACCESS_KEY, region: REGION }

  const answer = (request: WireRequest, call: S3Call, name?: S3OperationName): WireReply => {
    const refusal = checkSignature(request, { ...rules, now: Date.now })
    if (refusal) return errorReply(refusal.status, refusal.code, refusal.message)
    if (call.bucketName !== BUCKET) {
      return errorReply(404, 'NoSuchBucket', 'The specified bucket does not exist')
    }
    if (!name) return errorReply(501, 'NotImplemented', 'This operation is not emulated')
    if (onlyMd5 && request.headers['x-amz-sdk-checksum-algorithm'] !== undefined) {
      return errorReply(501, 'NotImplemented', 'x-amz-sdk-checksum-algorithm is not implemented')
    }
    const run = () => S3_OPERATIONS[name].run(call)
    const fault = nextFault(plans.get(name))
    return fault ? spoilt(fault, run) : run()
  }

  const handle = (request: WireRequest): WireReply => {
    const { bucketName, key } = readPath(request.path)
    const operation = findOperation(request, key)
    const call = { request, bucket, bucketName, key, now: now(), pageSize, onlyMd5 }
    const reply = answer(request, call, operation)
    requests.push({
      ...(operation && { operation }),
      key,
      status: reply.status,
      bodyBytes: request.bytes.length,
    })
    return reply
  }

  const server = await startWireServer({
    host: '127.0.0.1',
    port: 0,
    routes: METHODS.map((method): Route => ({ method, pattern: /^/, kind: 'other', handle })),
    log: createCallLog(),
    dripIntervalMs: () => 0,
    notFound: () => errorReply(405, 'MethodNotAllowed', 'The method is not allowed'),
  })
  const url = `http://127.0.0.1:${server.port}`
  return {
    url,
    environment: {
      MEDIA_S3_BUCKET: BUCKET,
      MEDIA_S3_REGION: REGION,
      MEDIA_S3_ENDPOINT: url,
      MEDIA_S3_ACCESS_KEY_ID: ACCESS_KEY_ID,
      MEDIA_S3_SECRET_ACCESS_KEY: SECRET_ACCESS_KEY,
    },
    bucket,
    requests,
    clearRequests: () => {
      requests.length = 0
    },
    setTime: (value) => {
      time = value
    },
    spoil: (operation, faults) => {
      plans.set(operation, 'always' in faults ? faults : [...faults])
    },
    mend: () => plans.clear(),
    close: () => server.close(),
  }
}
