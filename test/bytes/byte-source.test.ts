import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { collect, measure, readHead, sourceOf } from '#src/bytes/byte-source.ts'

const inChunks = async function* (chunks: readonly Uint8Array[]) {
  yield* chunks
}
const tooLarge = () => new Error('too large')

describe('readHead', () => {
  it('loses and repeats nothing, however the bytes are cut', async () => {
    const chunks = fc.array(fc.uint8Array({ maxLength: 9 }), { maxLength: 9 })
    await fc.assert(
      fc.asyncProperty(chunks, fc.nat(50), async (pieces, wished) => {
        const whole = Buffer.concat(pieces)
        const { head, all } = await readHead(inChunks(pieces), wished)
        expect(head.length).toBeGreaterThanOrEqual(Math.min(wished, whole.length))
        expect(whole.subarray(0, head.length)).toEqual(head)
        expect(await collect(all)).toEqual(whole)
      }),
    )
  })
})

describe('collect', () => {
  it('does not copy bytes that came in one piece', async () => {
    const bytes = new Uint8Array([1, 2, 3])
    const collected = await collect(sourceOf(bytes))
    expect(collected.buffer).toBe(bytes.buffer)
    expect([...collected]).toEqual([1, 2, 3])
  })
})

describe('measure', () => {
  it('counts what passes and remembers the last 12 bytes', async () => {
    const chunks = fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(chunks, async (pieces) => {
        const whole = Buffer.concat(pieces)
        const meter = measure(inChunks(pieces), 1000, tooLarge)
        expect(await collect(meter.source)).toEqual(whole)
        expect(meter.sizeBytes()).toBe(whole.length)
        expect(meter.tail()).toEqual(whole.subarray(-12))
      }),
    )
  })

  it('fails at the byte above the limit', async () => {
    const pieces = [new Uint8Array(5), new Uint8Array(5)]
    expect(await collect(measure(inChunks(pieces), 10, tooLarge).source)).toHaveLength(10)
    await expect(collect(measure(inChunks(pieces), 9, tooLarge).source)).rejects.toThrow(
      'too large',
    )
  })
})
