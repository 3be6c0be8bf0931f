import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { runBatch } from '#src/state/redis/batch.ts'
import type { RedisClient } from '#src/state/redis/connect.ts'

const clientAnswering = (answers: readonly unknown[]): RedisClient => {
  const exec = async () => answers.map((answer) => [null, answer])
  return { pipeline: () => ({ exec }) } as unknown as RedisClient
}

const spend = (ms: number): void => {
  const endMs = performance.now() + ms
  while (performance.now() < endMs);
}

describe('a batch', () => {
  it('whose answers are long to take in lets requests go in between', async () => {
    const taken: unknown[] = []
    const steps = [1, 2, 3].map(() => ({
      send: () => undefined,
      answered: (answer: unknown) => {
        spend(15)
        taken.push(answer)
      },
    }))
    const running = runBatch(clientAnswering(['a', 'b', 'c']), steps)
    const seen: number[] = []
    while (taken.length < 3) {
      await nextTurn()
      seen.push(taken.length)
    }
    expect(await running).toBeUndefined()
    expect(taken).toEqual(['a', 'b', 'c'])
    expect(seen).toEqual(expect.arrayContaining([1, 2, 3]))
  })
})
