/** The scheme's own spelling of a secret, in padded base64 (Standard Webhooks 1.0.0, "Signature scheme"). */
const PREFIX = 'whsec_'
const BASE64 = /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Bytes that a secret of the scheme may have (same place: 192 to 512 bits). */
const LEAST_BYTES = 24
const MOST_BYTES = 64

/** Only what every receiver's library makes the same bytes of. */
const PLAIN_TEXT = /^[\x21-\x7e]+$/

const readBase64 = (text: string): Buffer | undefined =>
  BASE64.test(text) ? Buffer.from(text, 'base64') : undefined

/** What is wrong with a secret, to follow its name; `undefined`: nothing. Never shows the secret. */
export const signingSecretProblem = (secret: string): string | undefined => {
  if (!secret.startsWith(PREFIX)) {
    return secret.length >= LEAST_BYTES && PLAIN_TEXT.test(secret)
      ? undefined
      : `must have at least ${LEAST_BYTES} characters of printable ASCII, or be "${PREFIX}" with base64 after it`
  }
  const bytes = readBase64(secret.slice(PREFIX.length))
  if (!bytes) return `has no base64 after "${PREFIX}"`
  return bytes.length >= LEAST_BYTES && bytes.length <= MOST_BYTES
    ? undefined
    : `must be ${LEAST_BYTES} to ${MOST_BYTES} bytes in base64 after "${PREFIX}"`
}

/** The bytes to sign with. Throws for a secret that has a problem. */
export const readSigningSecret = (secret: string): Buffer => {
  const problem = signingSecretProblem(secret)
  if (problem) throw new Error(`The signing secret ${problem}`)
  return secret.startsWith(PREFIX)
    ? Buffer.from(secret.slice(PREFIX.length), 'base64')
    : Buffer.from(secret)
}
