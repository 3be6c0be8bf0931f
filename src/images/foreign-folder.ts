import { lstat } from 'node:fs/promises'

/**
 * Whether a folder, or a link in its place, belongs to another user of this machine, who could then read what is put
 * there, and put other things there. False where there is none yet, and where users have no numbers.
 */
export const isForeignFolder = async (directory: string): Promise<boolean> => {
  const user = process.getuid?.()
  if (user === undefined) return false
  try {
    return (await lstat(directory)).uid !== user
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
}
