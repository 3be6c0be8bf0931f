import { randomUUID } from 'node:crypto'
import { constants, type Dir } from 'node:fs'
import {
  type FileHandle,
  lstat,
  mkdir,
  open,
  opendir,
  rename,
  rm,
  stat,
  unlink,
} from 'node:fs/promises'
import { join } from 'node:path'
import { type ByteSource, sourceOf } from '#src/bytes/byte-source.ts'
import { GatewayError } from '#src/domain/errors.ts'
import { mediaTypeOf } from '#src/domain/media.ts'
import { untilAborted } from '#src/domain/until-aborted.ts'
import {
  type ByteRange,
  createMediaFileName,
  type MediaDescription,
  type MediaStore,
  type OpenedMedia,
  readMediaFileName,
  type StoredMedia,
  type StoreOptions,
} from './media-store.ts'

/** Names of files being written. */
const TEMPORARY = /^\.writing-[0-9a-f]{32}$/
/** A write that began longer ago has died with its process: an hour is far above any request's deadline. */
const STALE_WRITE_MS = 3_600_000
/** Fewer and larger reads than the default 64 KiB. */
const READ_BYTES = 262_144

const STORAGE_FAILURES: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left in its media folder',
  EDQUOT: 'the disk quota of its media folder is used up',
  EROFS: 'its media folder is read-only',
  EACCES: 'it may not write to its media folder',
  EPERM: 'it may not write to its media folder',
  EMFILE: 'too many files are open',
  EEXIST: 'its media folder is no folder',
  ENOTDIR: 'its media folder is no folder',
  ENOENT: 'its media folder is gone',
  EIO: 'its disk does not answer',
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error ? String(error.code) : undefined

/** A failed write as the client may see it; any other error as it is. Not retryable: the image was paid for. */
export const toStorageError = (error: unknown): unknown => {
  const reason = STORAGE_FAILURES[codeOf(error) ?? '']
  if (reason === undefined) return error
  return new GatewayError('INTERNAL_ERROR', `The gateway cannot store the image: ${reason}`)
}

const openNew = async (directory: string, path: string): Promise<FileHandle> => {
  try {
    // Each time: cleaners of temporary folders remove it while the gateway runs.
    await mkdir(directory, { recursive: true, mode: 0o700 })
    return await open(path, 'wx', 0o600)
  } catch (error) {
    throw toStorageError(error)
  }
}

/** Writes all that comes, and resolves to how many bytes that were. Without streams, which take as long as the disk. */
const fill = async (
  handle: FileHandle,
  source: ByteSource,
  signal: AbortSignal | undefined,
): Promise<number> => {
  let sizeBytes = 0
  for await (const chunk of source) {
    signal?.throwIfAborted()
    await handle.writeFile(chunk)
    sizeBytes += chunk.length
  }
  signal?.throwIfAborted()
  // So that no half file has a real name even after a power cut. The folder itself is not synced: losing the rename
  // then only loses an image of the last seconds.
  await handle.sync()
  return sizeBytes
}

/** The same, with nothing left open. A source that goes on later cannot be written any more, and is closed. */
const fillAndClose = async (
  handle: FileHandle,
  source: ByteSource,
  signal: AbortSignal | undefined,
): Promise<number> => {
  try {
    const filling = fill(handle, source, signal)
    // A source may hang.
    return await (signal ? untilAborted(filling, signal) : filling)
  } finally {
    await handle.close()
  }
}

const write = async (
  directory: string,
  source: ByteSource | Uint8Array,
  options: StoreOptions,
): Promise<StoredMedia> => {
  const temporary = join(directory, `.writing-${randomUUID().replaceAll('-', '')}`)
  const handle = await openNew(directory, temporary)
  try {
    const pieces = source instanceof Uint8Array ? sourceOf(source) : source
    const sizeBytes = await fillAndClose(handle, pieces, options.signal)
    const name = createMediaFileName(options)
    await rename(temporary, join(directory, name))
    return { file: name, sizeBytes }
  } catch (error) {
    // What cannot be removed now is swept later: that must not hide why it was to be.
    await rm(temporary, { force: true }).catch(() => undefined)
    throw toStorageError(error)
  }
}

const openFile = async (
  directory: string,
  file: string,
  part?: ByteRange,
): Promise<OpenedMedia | undefined> => {
  const named = readMediaFileName(file)
  if (!named) return undefined
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW
  try {
    const handle = await open(join(directory, file), flags)
    const sizeBytes = part ? part.lastByte - part.firstByte + 1 : (await handle.stat()).size
    const stream = handle.createReadStream({
      highWaterMark: READ_BYTES,
      ...(part && { start: part.firstByte, end: part.lastByte }),
    })
    return { stream, sizeBytes, mediaType: mediaTypeOf(named.format) }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

const describeFile = async (
  directory: string,
  file: string,
): Promise<MediaDescription | undefined> => {
  const named = readMediaFileName(file)
  if (!named) return undefined
  try {
    const { size } = await lstat(join(directory, file))
    return { sizeBytes: size, mediaType: mediaTypeOf(named.format) }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

const isGarbage = async (directory: string, name: string, nowMs: number): Promise<boolean> => {
  const named = readMediaFileName(name)
  if (named) return named.expiresAtMs <= nowMs
  if (!TEMPORARY.test(name)) return false
  const { mtimeMs } = await stat(join(directory, name))
  return mtimeMs + STALE_WRITE_MS <= nowMs
}

/** `undefined`: cleaners have removed it; it is made again with the next image. */
const openDirectory = async (directory: string): Promise<Dir | undefined> => {
  try {
    return await opendir(directory)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** One file that cannot be removed keeps no other; the first such failure is told in the end. */
const sweep = async (directory: string, nowMs: number): Promise<number> => {
  let removed = 0
  const failures: unknown[] = []
  for await (const entry of (await openDirectory(directory)) ?? []) {
    try {
      if (!(await isGarbage(directory, entry.name, nowMs))) continue
      await unlink(join(directory, entry.name))
      removed += 1
    } catch (error) {
      // Another gateway on the same folder was faster.
      if (codeOf(error) !== 'ENOENT') failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
  return removed
}

/** Keeps images in one folder, which several gateways may share. Creates it, for its owner only, when missing. */
export const createDiskMediaStore = async (directory: string): Promise<MediaStore> => {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  return {
    put: (source, options) => write(directory, source, options),
    describe: (file) => describeFile(directory, file),
    open: (file, part) => openFile(directory, file, part),
    remove: async (file) => {
      if (readMediaFileName(file)) await rm(join(directory, file), { force: true })
    },
    sweep: (nowMs) => sweep(directory, nowMs),
  }
}
