import { createHmac, timingSafeEqual } from 'node:crypto'

export type UrlVerdict = 'valid' | 'expired' | 'forged'

export interface MediaSigner {
  /**
   * Path with signed query: `/v1/media/<file>?expires=<unix s>&signature=<base64url>`. Valid until `expiresAtMs`, which
   * may be earlier than the expiry in the file's name: an image may be kept for longer than a URL of it is given out.
   */
  sign(file: string, expiresAtMs: number): string
  /** Judges a URL's parts as they came, unparsed. `nowMs` is in milliseconds since the epoch. */
  verify(file: string, expires: string, signature: string, nowMs: number): UrlVerdict
}

const signatureOf = (secret: Buffer, file: string, expires: string): string =>
  createHmac('sha256', secret).update(`${file}\n${expires}`).digest('base64url')

// Compared as text, not as decoded bytes: base64url has several spellings of the same bytes.
const isSame = (given: string, expected: string): boolean => {
  const [left, right] = [Buffer.from(given), Buffer.from(expected)]
  return left.length === right.length && timingSafeEqual(left, right)
}

/** Signs URLs of hosted images, so that whoever was given one can open it without a key until it expires. */
export const createMediaSigner = (secret: Buffer): MediaSigner => ({
  sign: (file, expiresAtMs) => {
    const expires = String(Math.floor(expiresAtMs / 1000))
    return `/v1/media/${file}?expires=${expires}&signature=${signatureOf(secret, file, expires)}`
  },
  verify: (file, expires, signature, nowMs) => {
    if (!isSame(signature, signatureOf(secret, file, expires))) return 'forged'
    return nowMs < Number(expires) * 1000 ? 'valid' : 'expired'
  },
})
