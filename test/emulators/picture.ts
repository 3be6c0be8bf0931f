import { createHash } from 'node:crypto'
import sharp, { type Sharp } from 'sharp'
import { Base64Text } from './base64-json.ts'
import { drawPicture, type PictureOrder } from './picture-drawing.ts'
import { padPicture } from './picture-padding.ts'

export type PictureFormat = 'png' | 'jpeg' | 'webp'

export interface PictureRequest extends PictureOrder {
  readonly format: PictureFormat
  /** JPEG quality 1 to 100; absent: 90. */
  readonly quality?: number
  /** Bytes to pad a PNG or JPEG to; absent: not padded. */
  readonly sizeBytes?: number
}

/** A finished picture. */
export interface Picture {
  readonly bytes: Buffer
  readonly base64: Base64Text
  readonly mediaType: string
}

/** Renders pictures and keeps the latest: a benchmark asks for the same one thousands of times. */
export interface PictureMaker {
  make(request: PictureRequest): Promise<Picture>
}

const CACHE_BYTES = 64 * 1024 * 1024

const keyOf = (request: PictureRequest): string => {
  const inputs = request.inputs.map((input) => input.hash)
  return createHash('sha1')
    .update(JSON.stringify({ ...request, inputs }))
    .digest('base64')
}

/** Settings that put speed before size: at 4K the libraries' defaults take seconds. */
const encode = (image: Sharp, request: PictureRequest): Sharp => {
  switch (request.format) {
    case 'png':
      return image.png({ compressionLevel: 3 })
    case 'jpeg':
      return image.jpeg({ quality: request.quality ?? 90 })
    case 'webp':
      return image.webp({ effort: 0 })
  }
}

const render = async (request: PictureRequest): Promise<Picture> => {
  const svg = Buffer.from(drawPicture(request))
  const plain = await encode(sharp(svg, { limitInputPixels: false }), request).toBuffer()
  const bytes = padPicture(plain, request.format, request.sizeBytes ?? 0)
  return { bytes, base64: new Base64Text(bytes), mediaType: `image/${request.format}` }
}

export const createPictureMaker = (): PictureMaker => {
  const cache = new Map<string, { picture: Promise<Picture>; sizeBytes: number }>()
  let cachedBytes = 0
  const trim = (): void => {
    for (const [key, entry] of cache) {
      if (cachedBytes <= CACHE_BYTES) return
      cachedBytes -= entry.sizeBytes
      cache.delete(key)
    }
  }
  return {
    make(request) {
      const key = keyOf(request)
      const known = cache.get(key)
      if (known) return known.picture
      const picture = render(request)
      const entry = { picture, sizeBytes: 0 }
      cache.set(key, entry)
      picture.then(
        ({ bytes, base64 }) => {
          entry.sizeBytes = bytes.length + base64.characters.length
          cachedBytes += entry.sizeBytes
          trim()
        },
        () => cache.delete(key),
      )
      return picture
    },
  }
}
