import { describe, expect, it } from 'vitest'
import { Portion } from '#src/state/redis/portion.ts'

describe('how many hashes are asked for at once', () => {
  it('is few before the first came', () => {
    expect(new Portion(24).hashes).toBe(2)
  })

  it.each([
    [0, 24],
    [100, 24],
    [4_000, 4],
    [1_000_000, 1],
  ])('with %i fields each is %i of 24', (fields, hashes) => {
    const portion = new Portion(24)
    portion.learn(fields)
    portion.learn(1)
    expect(portion.hashes).toBe(hashes)
  })
})
