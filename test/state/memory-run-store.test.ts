import { describe, expect, it } from 'vitest'
import { createMemoryRunStore } from '#src/state/memory/memory-run-store.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { answerOf, claimOf, runIdOf } from './run-samples.ts'
import { itStoresRuns } from './run-store-contract.ts'

describe('the runs of a gateway that is alone', () => {
  const clock = createFakeClock()
  itStoresRuns({
    create: async () => createMemoryRunStore({ clock }),
    pass: async (ms) => clock.advance(ms),
  })

  const end = async (store: ReturnType<typeof createMemoryRunStore>, n: number, ms: number) => {
    await store.claim(claimOf(n))
    await store.finish(runIdOf(n), answerOf(`${n}`), ms)
  }

  it('forgets those that ended longest ago when there are too many', async () => {
    const store = createMemoryRunStore({ clock, maxRuns: 2 })
    for (const n of [1, 2, 3]) await end(store, n, 1_000)
    const read = await Promise.all([1, 2, 3].map((n) => store.read(runIdOf(n))))
    expect(read).toEqual([undefined, answerOf('2'), answerOf('3')])
  })

  it('never forgets one that is worked on', async () => {
    const store = createMemoryRunStore({ clock, maxRuns: 0 })
    await store.claim(claimOf(1))
    await end(store, 2, 1_000)
    expect(await store.read(runIdOf(2))).toBeUndefined()
    expect(await store.claim(claimOf(1))).toEqual({ kind: 'running' })
  })
})
