import { randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import { OUTPUT_FORMATS, type OutputFormat } from '#src/domain/media.ts'
import type { ByteSource } from './byte-source.ts'

export interface StoreOptions {
  /** True format of the image; becomes the file's extension. */
  readonly format: OutputFormat
  /** When the file may be removed, in milliseconds since the epoch; kept to the second, rounded up. */
  readonly expiresAtMs: number
}

export interface StoredMedia {
  /** Name in the store, and in URLs. */
  readonly file: string
  readonly sizeBytes: number
}

export interface OpenedMedia {
  /** Has to be read or destroyed. */
  readonly stream: Readable
  readonly sizeBytes: number
  /** Such as `image/png`. */
  readonly mediaType: string
}

/** Where hosted images lie until they expire. */
export interface MediaStore {
  /** Keeps an image; it can be opened only once it is whole. A failing source rejects with the source's error. */
  put(source: ByteSource | Uint8Array, options: StoreOptions): Promise<StoredMedia>
  /** `undefined`: there is no such file, or no file can have that name. */
  open(file: string): Promise<OpenedMedia | undefined>
  /** Does nothing when there is no such file. */
  remove(file: string): Promise<void>
  /** Removes what has expired at `nowMs` and what broken writes left behind; resolves to how many files that were. */
  sweep(nowMs: number): Promise<number>
}

const FILE_NAME = new RegExp(String.raw`^(\d{1,12})-[0-9a-f]{32}\.(${OUTPUT_FORMATS.join('|')})$`)

/**
 * `1771234567-<32 hex>.png`: second of expiry, 128 random bits, true extension. The expiry is in the name because a
 * name survives restarts, copies and other kinds of stores, and a sweep then only has to list.
 */
export const createMediaFileName = ({ format, expiresAtMs }: StoreOptions): string =>
  `${Math.ceil(expiresAtMs / 1000)}-${randomBytes(16).toString('hex')}.${format}`

/** What a name says; `undefined` when no stored file can have it. No other name may ever reach a file system. */
export const readMediaFileName = (file: string): StoreOptions | undefined => {
  const match = FILE_NAME.exec(file)
  const format = OUTPUT_FORMATS.find((each) => each === match?.[2])
  return match && format ? { format, expiresAtMs: Number(match[1]) * 1000 } : undefined
}
