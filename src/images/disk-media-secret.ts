import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Name of the signing key beside the images: no image can have it. */
export const SECRET_FILE = '.signing-key'
/** As long as the hash: longer keys add nothing (RFC 2104 §3). */
export const SECRET_BYTES = 32

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
export const loadDiskMediaSecret = async (directory: string): Promise<Buffer> => {
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
