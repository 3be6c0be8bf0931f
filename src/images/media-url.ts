import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export type UrlVerdict = 'valid' | 'expired' | 'forged'

export interface MediaSigner {
  /** Path with signed query: `/v1/media/<file>?expires=<unix s>&signature=<base64url>`. Valid until `expiresAtMs`. */
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

const SECRET_FILE = '.signing-key'
/** As long as the hash: longer keys add nothing (RFC 2104 §3). */
const SECRET_BYTES = 32

const createSecret = async (directory: string, path: string): Promise<void> => {
  const temporary = join(directory, `.writing-${randomBytes(16).toString('hex')}`)
  await writeFile(temporary, randomBytes(SECRET_BYTES), { flag: 'wx', mode: 0o600, flush: true })
  try {
    // Linking fails when the name is taken: the first of several processes wins, and nobody reads half a key.
    await link(temporary, path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    await rm(temporary)
  }
}

const readSecret = async (path: string): Promise<Buffer | undefined> => {
  try {
    return await readFile(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * The signing key in the media folder, created at first use, so that URLs survive a restart and every gateway on the
 * same folder accepts them. Rejects when the file is there but is no key.
 */
export const loadMediaSecret = async (directory: string): Promise<Buffer> => {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, SECRET_FILE)
  let secret = await readSecret(path)
  if (secret === undefined) {
    await createSecret(directory, path)
    secret = await readFile(path)
  }
  if (secret.length !== SECRET_BYTES) {
    throw new Error(
      `${path} must hold ${SECRET_BYTES} bytes but has ${secret.length}; remove it to have a new key made`,
    )
  }
  return secret
}
