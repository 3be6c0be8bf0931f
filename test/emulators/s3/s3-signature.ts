import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { WireRequest } from '#test/emulators/wire.ts'

/** What a refused signature is answered with: S3's code and HTTP status. */
export interface Refusal {
  readonly code: string
  readonly status: number
  readonly message: string
}

export interface SignatureRules {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region: string
  /** Milliseconds since the epoch. */
  now(): number
}

/** How far a signer's clock may differ. */
const MAX_SKEW_MS = 15 * 60_000
/** A presigned URL holds no longer: seven days. */
const MAX_LIFETIME_S = 604_800

const refusal = (code: string, status: number, message: string): Refusal => ({
  code,
  status,
  message,
})

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex')
const hmac = (key: Buffer | string, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest()

/** RFC 3986: everything but unreserved characters, which is stricter than `encodeURIComponent`. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/** S3 encodes a path once; other AWS services do it twice. */
const canonicalPath = (rawTarget: string): string =>
  (rawTarget.split('?')[0] ?? '/')
    .split('/')
    .map((segment) => encode(decodeURIComponent(segment)))
    .join('/')

const canonicalQuery = (rawTarget: string): string => {
  const query = rawTarget.split('?').slice(1).join('?')
  return query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [name = '', ...value] = pair.split('=')
      const read = (text: string) => encode(decodeURIComponent(text))
      return [read(name), read(value.join('='))] as const
    })
    .filter(([name]) => name !== 'X-Amz-Signature')
    .toSorted(([left], [right]) => (left < right ? -1 : Number(left > right)))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

interface Claim {
  readonly credential: string
  /** `20260321T101112Z`. */
  readonly date: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
  readonly payloadHash: string
}

const expectedSignature = (request: WireRequest, claim: Claim, rules: SignatureRules): string => {
  const { call, headers, method } = request
  const { date, signedHeaders, payloadHash } = claim
  const canonicalHeaders = signedHeaders.map(
    (name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`,
  )
  const canonicalRequest = [
    method,
    canonicalPath(call.path),
    canonicalQuery(call.path),
    canonicalHeaders.join(''),
    signedHeaders.join(';'),
    payloadHash,
  ].join('\n')
  const day = date.slice(0, 8)
  const scope = `${day}/${rules.region}/s3/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonicalRequest)].join('\n')
  const dayKey = hmac(`AWS4${rules.secretAccessKey}`, day)
  const key = hmac(hmac(hmac(dayKey, rules.region), 's3'), 'aws4_request')
  return hmac(key, toSign).toString('hex')
}

const isSame = (left: string, right: string): boolean =>
  left.length === right.length && timingSafeEqual(Buffer.from(left), Buffer.from(right))

const parseDate = (date: string): number => {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date)
  if (!match) return Number.NaN
  const [, year, month, day, hour, minute, second] = match
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
}

/** Everything about a claim but its signature: key, scope and which headers it has to cover. */
const checkClaim = (
  claim: Claim,
  { headers }: WireRequest,
  rules: SignatureRules,
): Refusal | undefined => {
  const [accessKeyId, ...scope] = claim.credential.split('/')
  if (accessKeyId !== rules.accessKeyId) {
    return refusal('InvalidAccessKeyId', 403, 'The access key does not exist in our records.')
  }
  const [day, region, service, end] = scope
  if (region !== rules.region || service !== 's3' || end !== 'aws4_request') {
    return refusal('AuthorizationHeaderMalformed', 400, `expecting '${rules.region}'`)
  }
  if (day !== claim.date.slice(0, 8)) {
    return refusal('AuthorizationHeaderMalformed', 400, 'Invalid credential date')
  }
  const mustBeSigned = Object.keys(headers).filter(
    (name) => name === 'host' || name === 'content-md5' || name.startsWith('x-amz-'),
  )
  const missing = mustBeSigned.find((name) => !claim.signedHeaders.includes(name))
  return missing
    ? refusal('AccessDenied', 403, `There were headers present which were not signed: ${missing}`)
    : undefined
}

const mismatch = (): Refusal =>
  refusal('SignatureDoesNotMatch', 403, 'The request signature does not match.')

const checkHeaderClaim = (request: WireRequest, rules: SignatureRules): Refusal | undefined => {
  const { headers, bytes } = request
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^, ]+), SignedHeaders=([^, ]+), Signature=([0-9a-f]{64})$/.exec(
      headers['authorization'] ?? '',
    )
  if (!match) return refusal('AuthorizationHeaderMalformed', 400, 'The header is malformed.')
  const [, credential = '', signedHeaders = '', signature = ''] = match
  const date = headers['x-amz-date'] ?? ''
  const payloadHash = headers['x-amz-content-sha256']
  if (payloadHash === undefined) {
    return refusal('InvalidRequest', 400, 'Missing required header: x-amz-content-sha256')
  }
  if (payloadHash.startsWith('STREAMING-')) {
    return refusal('NotImplemented', 501, `${payloadHash} is not implemented`)
  }
  if (payloadHash !== 'UNSIGNED-PAYLOAD' && payloadHash !== sha256(bytes)) {
    return refusal('XAmzContentSHA256Mismatch', 400, 'The provided hash does not match the body.')
  }
  if (!(Math.abs(parseDate(date) - rules.now()) <= MAX_SKEW_MS)) {
    return refusal('RequestTimeTooSkewed', 403, 'The clocks differ too much.')
  }
  const claim = {
    credential,
    date,
    signedHeaders: signedHeaders.split(';'),
    signature,
    payloadHash,
  }
  const problem = checkClaim(claim, request, rules)
  if (problem) return problem
  return isSame(expectedSignature(request, claim, rules), signature) ? undefined : mismatch()
}

const checkQueryClaim = (request: WireRequest, rules: SignatureRules): Refusal | undefined => {
  const { query } = request
  const read = (name: string) => query.get(name) ?? ''
  if (read('X-Amz-Algorithm') !== 'AWS4-HMAC-SHA256') {
    return refusal('AuthorizationQueryParametersError', 400, 'X-Amz-Algorithm is not supported')
  }
  const lifetimeS = Number(read('X-Amz-Expires'))
  if (!(lifetimeS >= 1 && lifetimeS <= MAX_LIFETIME_S)) {
    return refusal('AuthorizationQueryParametersError', 400, 'X-Amz-Expires is out of range')
  }
  const date = read('X-Amz-Date')
  const sinceMs = rules.now() - parseDate(date)
  if (!(sinceMs >= -MAX_SKEW_MS)) return refusal('AccessDenied', 403, 'Request is not yet valid')
  if (sinceMs > lifetimeS * 1000) return refusal('AccessDenied', 403, 'Request has expired')
  const claim = {
    credential: read('X-Amz-Credential'),
    date,
    signedHeaders: read('X-Amz-SignedHeaders').split(';'),
    signature: read('X-Amz-Signature'),
    payloadHash: query.get('X-Amz-Content-Sha256') ?? 'UNSIGNED-PAYLOAD',
  }
  const problem = checkClaim(claim, request, rules)
  if (problem) return problem
  return isSame(expectedSignature(request, claim, rules), claim.signature) ? undefined : mismatch()
}

/**
 * Judges AWS Signature Version 4, in headers or in the query, by an own computation from Amazon's description of it
 * ("Authenticating Requests: Using the Authorization Header" and "… Using Query Parameters"). `undefined`: good.
 */
export const checkSignature = (
  request: WireRequest,
  rules: SignatureRules,
): Refusal | undefined => {
  const isInHeader = request.headers['authorization'] !== undefined
  const isInQuery = request.query.has('X-Amz-Signature')
  if (isInHeader && isInQuery) {
    return refusal('InvalidArgument', 400, 'Only one auth mechanism allowed')
  }
  if (isInHeader) return checkHeaderClaim(request, rules)
  if (isInQuery) return checkQueryClaim(request, rules)
  return refusal('AccessDenied', 403, 'Access Denied')
}
