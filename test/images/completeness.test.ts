import { describe, expect, it } from 'vitest'
import { OUTPUT_FORMATS } from '#src/domain/media.ts'
import { canDecode, hasCompleteEnd, isComplete } from '#src/images/completeness.ts'
import { sampleImage } from './sample-images.ts'

const size = { width: 300, height: 200 }
const endsOf = (bytes: Buffer) => ({
  head: bytes.subarray(0, 12),
  tail: bytes.subarray(-12),
  sizeBytes: bytes.length,
})

describe.each(OUTPUT_FORMATS)('a %s image', (format) => {
  it('is complete when it is whole', async () => {
    expect(await isComplete(format, await sampleImage(format, size))).toBe(true)
  })

  it('is complete with other bytes after its end', async () => {
    const bytes = await sampleImage(format, size)
    expect(await isComplete(format, Buffer.concat([bytes, Buffer.alloc(99, 7)]))).toBe(true)
  })

  it('is not complete when a tenth of it is missing', async () => {
    const bytes = await sampleImage(format, size)
    expect(await isComplete(format, bytes.subarray(0, bytes.length * 0.9))).toBe(false)
  })
})

describe('hasCompleteEnd', () => {
  it.each(['png', 'jpeg', 'gif', 'webp'] as const)('tells the end of a %s', async (format) => {
    const bytes = await sampleImage(format)
    expect(hasCompleteEnd(format, endsOf(bytes))).toBe(true)
    expect(hasCompleteEnd(format, endsOf(bytes.subarray(0, -5)))).toBe(false)
  })

  it('cannot tell the end of an AVIF', async () => {
    expect(hasCompleteEnd('avif', endsOf(await sampleImage('avif')))).toBe(false)
  })

  it('is false for next to no bytes', () => {
    const ends = { head: Buffer.alloc(1), tail: Buffer.alloc(1), sizeBytes: 1 }
    expect(OUTPUT_FORMATS.map((format) => hasCompleteEnd(format, ends))).toEqual(
      OUTPUT_FORMATS.map(() => false),
    )
  })
})

describe('canDecode', () => {
  it('does not decode above the pixel limit', async () => {
    const bytes = await sampleImage('png', size)
    expect(await canDecode(bytes, 60_000)).toBe(true)
    expect(await canDecode(bytes, 59_999)).toBe(false)
  })
})
