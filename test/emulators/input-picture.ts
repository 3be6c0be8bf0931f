import { createHash } from 'node:crypto'
import sharp from 'sharp'

/** An input image that was really decoded. */
export interface InputPicture {
  readonly width: number
  readonly height: number
  readonly bytes: number
  /** Small PNG of it. */
  readonly thumbnail: Buffer
  /** Identifies its content. */
  readonly hash: string
}

/** Why an input image could not be used. */
export class InputPictureError extends Error {
  override readonly name = 'InputPictureError'
  /** `download`: the URL did not answer with a file; `decode`: the file is no readable picture. */
  readonly reason: 'download' | 'decode'

  constructor(reason: 'download' | 'decode') {
    super(`input image failed at ${reason}`)
    this.reason = reason
  }
}

const THUMBNAIL_PIXELS = 160
const DOWNLOAD_TIME_LIMIT_MS = 10_000

/** HEIC and HEIF, which the providers take but the image library here cannot decode. */
const isHeif = (bytes: Buffer): boolean =>
  bytes.toString('latin1', 4, 8) === 'ftyp' &&
  /heic|heix|mif1|msf1/.test(bytes.toString('latin1', 8, 12))

const PLACEHOLDER_SIDE = 64

const drawPlaceholder = (): Promise<Buffer> =>
  sharp({
    create: { width: PLACEHOLDER_SIDE, height: PLACEHOLDER_SIDE, channels: 3, background: '#888' },
  })
    .png()
    .toBuffer()

/** Decodes the whole picture; rejects with InputPictureError when it is damaged or none at all. */
export const decodeInputPicture = async (bytes: Buffer): Promise<InputPicture> => {
  const hash = createHash('sha1').update(bytes).digest('base64')
  if (isHeif(bytes)) {
    const side = PLACEHOLDER_SIDE
    const thumbnail = await drawPlaceholder()
    return { width: side, height: side, bytes: bytes.length, thumbnail, hash }
  }
  try {
    const image = sharp(bytes)
    const { width, height } = await image.metadata()
    const thumbnail = await image
      .resize(THUMBNAIL_PIXELS, THUMBNAIL_PIXELS, { fit: 'inside' })
      .png()
      .toBuffer()
    return { width, height, bytes: bytes.length, thumbnail, hash }
  } catch {
    throw new InputPictureError('decode')
  }
}

/** Bytes of a base64 data URI; `undefined` when the text is none. */
export const parseDataUri = (text: string): { mediaType: string; bytes: Buffer } | undefined => {
  if (!text.startsWith('data:')) return undefined
  const comma = text.indexOf(',')
  const head = text.slice(5, comma)
  if (comma < 0 || !head.endsWith(';base64')) return undefined
  return { mediaType: head.slice(0, -7), bytes: Buffer.from(text.slice(comma + 1), 'base64') }
}

const download = async (url: string): Promise<Buffer> => {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_TIME_LIMIT_MS) })
    if (!response.ok) throw new InputPictureError('download')
    return Buffer.from(await response.arrayBuffer())
  } catch {
    throw new InputPictureError('download')
  }
}

/** Fetches and decodes an input that is a data URI or an http(s) URL. */
export const loadInputPicture = async (reference: string): Promise<InputPicture> => {
  const inline = parseDataUri(reference)
  if (inline) return decodeInputPicture(inline.bytes)
  if (!/^https?:\/\//.test(reference)) throw new InputPictureError('download')
  return decodeInputPicture(await download(reference))
}
