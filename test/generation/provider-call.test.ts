import { describe, expect, it } from 'vitest'
import { createByteBudget } from '#src/bytes/byte-budget.ts'
import { inPieces } from '#src/bytes/pieces.ts'
import type { UploadedImage } from '#src/domain/image-request.ts'
import { type ConvertInput, createInputsFor } from '#src/generation/provider-call.ts'
import type { Candidate } from '#src/routing/candidates.ts'

const candidateTaking = (...inputFormats: string[]): Candidate =>
  ({
    offering: { limits: { inputFormats } },
    mapped: { imageField: { field: 'image_urls', isList: true } },
  }) as unknown as Candidate

const picture = (format: UploadedImage['format'], sizeBytes: number): UploadedImage => ({
  bytes: inPieces([Buffer.alloc(sizeBytes)]),
  format,
})

/** Makes of what is not taken as it is a PNG of twice its size. */
const convert: ConvertInput = async (image, accepted) =>
  accepted.includes(image.format) ? image : picture('png', image.bytes.sizeBytes * 2)

describe('the pictures of a request', () => {
  it('count as held once more where they had to be converted, once for each format', async () => {
    const memory = createByteBudget({ limitBytes: 1_000 }).openAccount()
    const images = [picture('png', 10), picture('gif', 20), picture('webp', 40)]
    const inputsFor = createInputsFor({ images, memory }, convert)
    await inputsFor(candidateTaking('png', 'gif', 'webp'))
    expect(memory.heldBytes).toBe(0)
    const inputs = await inputsFor(candidateTaking('png', 'gif'))
    expect(inputs.map(({ bytes }) => bytes.sizeBytes)).toEqual([10, 20, 80])
    expect(memory.heldBytes).toBe(80)
    await inputsFor(candidateTaking('png', 'gif'))
    expect(memory.heldBytes).toBe(80)
    await inputsFor(candidateTaking('png'))
    expect(memory.heldBytes).toBe(80 + 40)
  })
})
