import { closeSync, openSync, readSync } from 'node:fs'

/** What the system says when a file cannot be read, for people; of other reasons its code is told. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  EACCES: 'may not be read by this user',
  EPERM: 'may not be read by this user',
  EISDIR: 'is a folder',
  ELOOP: 'is a link that leads back to itself',
}

/** A file that cannot be used. The message is to be read after the file's name, and shows nothing of what is in it. */
export class TextFileError extends Error {
  override readonly name = 'TextFileError'
}

const readBytes = (path: string, maxBytes: number): Buffer => {
  const file = openSync(path, 'r')
  try {
    // One more than may be: devices have no size, and never end.
    const bytes = Buffer.alloc(maxBytes + 1)
    let length = 0
    for (;;) {
      const read = readSync(file, bytes, length, bytes.length - length, null)
      length += read
      if (read === 0 || length === bytes.length) return bytes.subarray(0, length)
    }
  } finally {
    closeSync(file)
  }
}

const toTextFileError = (error: unknown): TextFileError => {
  if (error instanceof TextFileError) return error
  const { code } = error as NodeJS.ErrnoException
  return new TextFileError(REASONS[code ?? ''] ?? `cannot be read (${code ?? 'unreadable'})`)
}

/** Reads a file of UTF-8 text. Throws `TextFileError` when there is none, or when it is too large or no text. */
export const readTextFile = (path: string, maxBytes: number): string => {
  try {
    const bytes = readBytes(path, maxBytes)
    if (bytes.length > maxBytes) throw new TextFileError(`is larger than ${maxBytes} bytes`)
    if (bytes.includes(0)) throw new TextFileError('is not text')
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) throw new TextFileError('is not UTF-8 text')
    throw toTextFileError(error)
  }
}
