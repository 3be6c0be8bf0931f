import { randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { ByteSource } from '#src/bytes/byte-source.ts'
import { OUTPUT_FORMATS, type OutputFormat } from '#src/domain/media.ts'

/** What a file's name says. */
export interface MediaName {
  /** True format of the image; becomes the file's extension. */
  readonly format: OutputFormat
  /** When the file may be removed, in milliseconds since the epoch; kept to the second, rounded up. */
  readonly expiresAtMs: number
}

export interface StoreOptions extends MediaName {
  /** Aborted when nobody waits for the image any more; absent: it is kept whatever happens. */
  readonly signal?: AbortSignal
}

export interface StoredMedia {
  /** Name in the store, and in URLs. */
  readonly file: string
  readonly sizeBytes: number
}

/** What is known of a stored image without reading it. */
export interface MediaDescription {
  /** Of the whole image. */
  readonly sizeBytes: number
  /** Such as `image/png`. */
  readonly mediaType: string
}

/** Part of an image: both ends are in it, the first byte is 0. */
export interface ByteRange {
  readonly firstByte: number
  readonly lastByte: number
}

export interface OpenedMedia {
  /** Has to be read or destroyed. */
  readonly stream: Readable
  /** How many bytes the stream yields. */
  readonly sizeBytes: number
  /** Such as `image/png`. */
  readonly mediaType: string
}

/** Where hosted images lie until they expire. */
export interface MediaStore {
  /** Most bytes that `put` holds of an image that comes piece by piece; absent: next to none. */
  readonly putHoldsBytes?: number
  /** Keeps an image; it can be opened only once it is whole. A failing source rejects with the source's error. */
  put(source: ByteSource | Uint8Array, options: StoreOptions): Promise<StoredMedia>
  /** `undefined`: there is no such file, or no file can have that name. */
  describe(file: string): Promise<MediaDescription | undefined>
  /** A part has to lie inside the image; absent: all of it. `undefined` as for `describe`. */
  open(file: string, part?: ByteRange): Promise<OpenedMedia | undefined>
  /**
   * A URL by which whoever has it gets the file from the store itself. `lifetimeS`: seconds for which it holds. Not
   * asked whether the file is there. Absent: images go through the gateway.
   */
  linkTo?(file: string, method: 'GET' | 'HEAD', lifetimeS: number): Promise<string>
  /** Does nothing when there is no such file. */
  remove(file: string): Promise<void>
  /** Removes what has expired at `nowMs` and what broken writes left behind; resolves to how many files that were. */
  sweep(nowMs: number): Promise<number>
}

/** Second of expiry with leading zeros: names in the order of the alphabet are in the order of their expiry. */
const EXPIRY_DIGITS = 10

const FILE_NAME = new RegExp(String.raw`^(\d{10,12})-[0-9a-f]{32}\.(${OUTPUT_FORMATS.join('|')})$`)

/**
 * `1771234567-<32 hex>.png`: second of expiry, 128 random bits, true extension. The expiry is in the name because a
 * name survives restarts, copies and other kinds of stores, and a sweep then only has to list.
 */
export const createMediaFileName = ({ format, expiresAtMs }: MediaName): string => {
  const expiry = String(Math.ceil(expiresAtMs / 1000)).padStart(EXPIRY_DIGITS, '0')
  return `${expiry}-${randomBytes(16).toString('hex')}.${format}`
}

/** What a name says; `undefined` when no stored file can have it. No other name may ever reach a file system. */
export const readMediaFileName = (file: string): MediaName | undefined => {
  const match = FILE_NAME.exec(file)
  const format = OUTPUT_FORMATS.find((each) => each === match?.[2])
  return match && format ? { format, expiresAtMs: Number(match[1]) * 1000 } : undefined
}
