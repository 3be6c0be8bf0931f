import { randomBytes } from 'node:crypto'
import { constants, copyFile, link, mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** Name of the signing key beside the images: no image can have it. */
export const SECRET_FILE = '.signing-key'
/** As long as the hash: longer keys add nothing (RFC 2104 §3). */
export const SECRET_BYTES = 32

/** What file systems without hard links answer (exFAT, SMB, some of FUSE). */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']
/** Longest that another process takes to write a key, where it cannot put it there whole, in ms. */
const WRITING_MS = 100

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : ''

/** Puts a file under a name that must be free: whole, where the file system can, else by writing it there. */
const publish = async (temporary: string, path: string): Promise<void> => {
  try {
    await link(temporary, path)
  } catch (error) {
    if (!NO_LINKS.includes(codeOf(error))) throw error
    await copyFile(temporary, path, constants.COPYFILE_EXCL)
  }
}

const writeSecret = async (directory: string, path: string, secret: Buffer): Promise<void> => {
  const temporary = join(directory, `.writing-${randomBytes(16).toString('hex')}`)
  await writeFile(temporary, secret, { flag: 'wx', mode: 0o600, flush: true })
  try {
    // The first of several processes wins.
    await publish(temporary, path)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  } finally {
    await rm(temporary)
  }
}

const readSecret = async (path: string): Promise<Buffer | undefined> => {
  try {
    return await readFile(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/**
 * The signing key in the media folder, created at first use, so that URLs survive a restart and every gateway on the
 * same folder accepts them. Rejects when the file is there but is no key.
 */
export const loadDiskMediaSecret = async (directory: string): Promise<Buffer> => {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, SECRET_FILE)
  let secret = await readSecret(path)
  if (secret === undefined) {
    await writeSecret(directory, path, randomBytes(SECRET_BYTES))
    secret = await readFile(path)
  }
  if (secret.length < SECRET_BYTES) {
    await delay(WRITING_MS)
    secret = await readFile(path)
  }
  if (secret.length !== SECRET_BYTES) {
    throw new Error(
      `${path} must hold ${SECRET_BYTES} bytes but has ${secret.length}; remove it to have a new key made`,
    )
  }
  return secret
}

/**
 * Puts the key back when it is gone, and lets it look as if it were new: cleaners of temporary folders remove what is
 * old, and after a restart no URL that was given out before would be good.
 */
export const keepDiskMediaSecret = async (directory: string, secret: Buffer): Promise<void> => {
  const path = join(directory, SECRET_FILE)
  const now = new Date()
  try {
    await utimes(path, now, now)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await writeSecret(directory, path, secret)
  }
}
