import { readdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'

/** Ms between two looks, and for which a hosted image is kept. */
const LOOK_MS = 50
const KEPT_MS = 200

const expireOnce = async (folder: string): Promise<void> => {
  // The gateway makes it with its first image.
  const names = await readdir(folder).catch(() => [])
  for (const name of names) {
    // What is still being written.
    if (name.startsWith('.')) continue
    const path = join(folder, name)
    const { mtimeMs } = await stat(path)
    if (Date.now() - mtimeMs > KEPT_MS) await unlink(path)
  }
}

/**
 * Removes hosted images soon after they came, until it is stopped: in a gateway that has run for longer than it keeps
 * them as many go as come, and the system's file cache uses the same memory again and again. (A virtual machine whose
 * host takes free memory back pays for each new page: 4 ms for a file of 1.5 MB, whoever writes it, 0.9 without.)
 */
export const expireImages = (folder: string): (() => Promise<void>) => {
  let expiring = Promise.resolve()
  const timer = setInterval(() => {
    expiring = expiring.then(() => expireOnce(folder))
  }, LOOK_MS)
  return async () => {
    clearInterval(timer)
    await expiring
  }
}
