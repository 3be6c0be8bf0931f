import { createVerify, generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { ServiceAccountFile } from '#test/emulators/emulator.ts'
import { jsonReply, type WireReply, type WireRequest } from '#test/emulators/wire.ts'

/** One service account, its tokens and the endpoint that issues them. */
export interface ServiceAccounts {
  /** The credential file; `url` is the origin of the token endpoint. */
  file(url: string): ServiceAccountFile
  hasIssued(token: string): boolean
  /** POST /token with the JWT bearer grant of RFC 7523, form-encoded or as JSON. */
  handleToken(request: WireRequest): WireReply
}

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
/** google-auth-library 10 writes this audience whatever `token_uri` says. */
const GOOGLE_AUDIENCE = 'https://oauth2.googleapis.com/token'
const CLIENT_EMAIL = 'gateway@emulated-project.iam.gserviceaccount.com'
const LIFETIME_SECONDS = 3_600

const tokenError = (error: string, description: string): WireReply =>
  jsonReply(400, { error, error_description: description })

const parsePart = (part: string | undefined): Record<string, unknown> => {
  try {
    return JSON.parse(Buffer.from(part ?? '', 'base64url').toString('utf8'))
  } catch {
    return {}
  }
}

const readGrant = (request: WireRequest): { grantType: unknown; assertion: string } => {
  const json = request.json as Record<string, unknown> | undefined
  if (json) return { grantType: json.grant_type, assertion: String(json.assertion ?? '') }
  const form = new URLSearchParams(request.bytes.toString('utf8'))
  return { grantType: form.get('grant_type'), assertion: form.get('assertion') ?? '' }
}

/** The reason why an assertion is refused; `undefined` when it is right. */
const refuseAssertion = (assertion: string, key: KeyObject): string | undefined => {
  const [head, payload, signature] = assertion.split('.')
  const verifier = createVerify('RSA-SHA256').update(`${head}.${payload}`)
  if (parsePart(head).alg !== 'RS256') return 'Invalid JWT: unsupported algorithm.'
  if (!verifier.verify(key, signature ?? '', 'base64url')) return 'Invalid JWT Signature.'
  const claims = parsePart(payload)
  const nowSeconds = Date.now() / 1_000
  if (claims.iss !== CLIENT_EMAIL) return 'Invalid grant: account not found'
  const audience = String(claims.aud)
  if (audience !== GOOGLE_AUDIENCE && !audience.endsWith('/token')) return 'Invalid JWT: audience.'
  if (!claims.scope) return 'Empty or missing scope not allowed.'
  return Number(claims.exp) > nowSeconds && Number(claims.iat) <= nowSeconds + 60
    ? undefined
    : 'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.'
}

export const createServiceAccounts = (): ServiceAccounts => {
  // Made only when asked for: an RSA key takes a noticeable part of a second.
  let pair: { publicKey: KeyObject; privateKey: KeyObject } | undefined
  const keys = () => {
    pair ??= generateKeyPairSync('rsa', { modulusLength: 2048 })
    return pair
  }
  const issued = new Set<string>()
  return {
    file: (url) => ({
      type: 'service_account',
      project_id: 'emulated-project',
      private_key_id: 'emulated-key',
      private_key: keys().privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      client_email: CLIENT_EMAIL,
      client_id: '100000000000000000000',
      token_uri: `${url}/token`,
    }),
    hasIssued: (token) => issued.has(token),
    handleToken(request) {
      const { grantType, assertion } = readGrant(request)
      if (grantType !== GRANT_TYPE) {
        return tokenError('unsupported_grant_type', `Invalid grant_type: ${String(grantType)}`)
      }
      const refusal = refuseAssertion(assertion, keys().publicKey)
      if (refusal) return tokenError('invalid_grant', refusal)
      const token = `ya29.emulated-${issued.size + 1}`
      issued.add(token)
      const { scope } = parsePart(assertion.split('.')[1])
      return jsonReply(200, {
        access_token: token,
        expires_in: LIFETIME_SECONDS,
        token_type: 'Bearer',
        scope,
      })
    },
  }
}
