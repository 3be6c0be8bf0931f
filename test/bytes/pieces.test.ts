import { describe, expect, it } from 'vitest'
import { createBase64Lift } from '#src/bytes/lift-base64.ts'
import { createGatherer, joinPieces, lengthOf, takePieces } from '#src/bytes/pieces.ts'

const ONE = Buffer.from('A')

describe('taking pieces', () => {
  it('takes time for the pieces, not for their square', () => {
    const pieces: Uint8Array[] = Array.from({ length: 300_000 }, () => ONE)
    let taken = 0
    for (const piece of takePieces(pieces)) taken += piece.length
    expect(taken).toBe(300_000)
    expect(pieces).toEqual([])
  })

  it('holds no piece that was taken', () => {
    const pieces: Uint8Array[] = [Buffer.from('ab'), Buffer.from('cde')]
    const taking = takePieces(pieces)
    expect(taking.next().value).toEqual(Buffer.from('ab'))
    expect(lengthOf(pieces)).toBe(3)
  })
})

describe('gathering pieces', () => {
  it('copies small ones together and leaves large ones as they are', () => {
    const large = Buffer.alloc(5_000, 'x')
    const pieces: Uint8Array[] = []
    const gather = createGatherer(pieces)
    for (let count = 0; count < 20_000; count += 1) gather(ONE)
    gather(large)
    gather(ONE)
    expect(pieces.map(({ length }) => length)).toEqual([16_384, 3_616, 5_000, 1])
    expect(pieces[2]).toBe(large)
    expect(joinPieces(pieces).toString()).toBe(`${'A'.repeat(20_000)}${large}A`)
  })

  it.each([
    [1, 2_048],
    [2_000, 4_000],
    [1, 65_536],
  ])('holds no more than its bytes when %i and %i come in turn', (small, large) => {
    const pieces: Uint8Array[] = []
    const gather = createGatherer(pieces)
    for (let count = 0; count < 500; count += 1) {
      gather(Buffer.alloc(small, 's'))
      gather(Buffer.allocUnsafeSlow(large).fill('l'))
    }
    const held = new Set(pieces.map(({ buffer }) => buffer))
    const heldBytes = [...held].reduce((sum, { byteLength }) => sum + byteLength, 0)
    expect(heldBytes).toBe(lengthOf(pieces))
    const expected = `${'s'.repeat(small)}${'l'.repeat(large)}`.repeat(500)
    expect(joinPieces(pieces).equals(Buffer.from(expected))).toBe(true)
  })

  it('is how base64 is held that comes one character at a time', () => {
    const lift = createBase64Lift()
    const passed = [...lift.write(Buffer.from('["'))]
    for (let count = 0; count < 100_000; count += 1) passed.push(...lift.write(ONE))
    passed.push(...lift.write(Buffer.from('"]')), ...lift.end())
    const [mark] = JSON.parse(Buffer.concat(passed).toString()) as [string]
    const pieces = lift.lifted(mark)
    expect(pieces?.length).toBeLessThan(10)
    expect(joinPieces(pieces ?? []).toString()).toBe('A'.repeat(100_000))
  })
})
