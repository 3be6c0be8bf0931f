import { crc32, deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { Base64Text } from './base64-json.ts'
import type { Picture, PictureFormat, PictureMaker } from './picture.ts'
import type { PictureSize } from './picture-sizes.ts'

const chunk = (type: string, content: Buffer): Buffer => {
  const bytes = Buffer.alloc(content.length + 12)
  bytes.writeUInt32BE(content.length, 0)
  bytes.write(type, 4, 'latin1')
  content.copy(bytes, 8)
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + content.length)), 8 + content.length)
  return bytes
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/** A black PNG of one bit a pixel: 16 megapixels are made in milliseconds, and weigh two kilobytes. */
const plainPng = ({ width, height }: PictureSize): Buffer => {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header[8] = 1
  const rows = Buffer.alloc((1 + Math.ceil(width / 8)) * height)
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 1 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

/** Black, of one channel where the format has such. */
const encodePlain = (size: PictureSize, format: 'jpeg' | 'webp'): Promise<Buffer> => {
  const image = sharp(Buffer.alloc(size.width * size.height), { raw: { ...size, channels: 1 } })
  return (format === 'jpeg' ? image.jpeg() : image.webp({ effort: 0 })).toBuffer()
}

const renderPlain = async (size: PictureSize, format: PictureFormat): Promise<Picture> => {
  const bytes = format === 'png' ? plainPng(size) : await encodePlain(size, format)
  return { bytes, base64: new Base64Text(bytes), mediaType: `image/${format}` }
}

/** Makes pictures of the right size and format that show nothing: for thousands of requests. */
export const createPlainPictureMaker = (): PictureMaker => {
  const made = new Map<string, Promise<Picture>>()
  return {
    make({ size, format }) {
      const key = `${size.width}x${size.height}.${format}`
      const picture = made.get(key) ?? renderPlain(size, format)
      made.set(key, picture)
      return picture
    },
  }
}
