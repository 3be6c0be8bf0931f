import { GatewayError } from '#src/domain/errors.ts'

/** A request to the bucket that failed, for the operator's log. */
export interface S3Failure {
  /** The store's code, or the system's, such as `NoSuchBucket` or `ECONNREFUSED`. */
  readonly code: string
  /** Status of the store's answer; absent: there was none. */
  readonly status?: number
}

const REASONS: Readonly<Record<string, string>> = {
  NoSuchBucket: 'its bucket does not exist',
  PermanentRedirect: 'its bucket is in another region',
  AuthorizationHeaderMalformed: 'its bucket is in another region',
  AccessDenied: 'its bucket does not let it in',
  Forbidden: 'its bucket does not let it in',
  InvalidAccessKeyId: 'its bucket does not know its access key',
  SignatureDoesNotMatch: 'its bucket does not accept its secret key',
  RequestTimeTooSkewed: 'its clock differs from that of its bucket',
  CredentialsProviderError: 'it has no credentials for its bucket',
  QuotaExceeded: 'no space is left in its bucket',
  XMinioStorageFull: 'no space is left in its bucket',
  SlowDown: 'its bucket is overloaded',
}

const TRANSIENT_STATUSES = [408, 429, 500, 502, 503, 504]

/** Codes come from elsewhere: only what looks like one reaches logs. */
const asCode = (value: unknown): string | undefined =>
  typeof value === 'string' && /^\w{1,64}$/.test(value) ? value : undefined

/** What failed. Errors of the connection have no answer and carry the system's code. */
export const readS3Failure = (error: unknown): S3Failure => {
  const { name, code, $metadata } = (error ?? {}) as {
    name?: unknown
    code?: unknown
    $metadata?: { httpStatusCode?: number }
  }
  const status = $metadata?.httpStatusCode
  const known = (status === undefined ? asCode(code) : undefined) ?? asCode(name) ?? 'unknown'
  return { code: known, ...(status !== undefined && { status }) }
}

/** Whether an object is not there, and not its bucket; HEAD, whose answers have no body, cannot tell these apart. */
export const isMissingObject = (error: unknown): boolean => {
  const { code, status } = readS3Failure(error)
  return code === 'NoSuchKey' || (code === 'NotFound' && status === 404)
}

/** The end of a sentence for people, without names of buckets, objects or keys. */
export const describeS3Failure = ({ code, status }: S3Failure): string => {
  const reason = REASONS[code]
  if (reason !== undefined) return reason
  if (status === undefined) return 'its bucket does not answer'
  if (status === 507) return 'no space is left in its bucket'
  return TRANSIENT_STATUSES.includes(status)
    ? 'its bucket is out of order'
    : `its bucket refuses (${status})`
}

/** A failed write as the client may see it. Not retryable: the image was paid for. */
export const cannotStore = (failure: S3Failure): GatewayError =>
  new GatewayError(
    'INTERNAL_ERROR',
    `The gateway cannot store the image: ${describeS3Failure(failure)}`,
  )

/** A failed read as the client may see it: worth another try when the bucket may answer by then. */
export const cannotRead = (failure: S3Failure): GatewayError => {
  const { status } = failure
  const isTransient = status === undefined || TRANSIENT_STATUSES.includes(status)
  const message = `The gateway cannot read the image: ${describeS3Failure(failure)}`
  return new GatewayError(isTransient ? 'OVERLOADED' : 'INTERNAL_ERROR', message)
}
