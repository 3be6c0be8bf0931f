import { expect, it } from 'vitest'
import type { RunStore } from '#src/domain/run-store.ts'
import { answerOf, claimOf, jobOf, orderOf, REFUSAL, runIdOf } from './run-samples.ts'

export interface RunStoreBench {
  /** A store that knows nothing; ended by who gives it. */
  create(): Promise<RunStore>
  /** Lets time go by for it. */
  pass(ms: number): Promise<void>
}

const LONG_MS = 60_000
const never = new AbortController().signal
const ID = runIdOf(1)
const MINE = { kind: 'mine', jobs: [] }

/** What every store of runs does, whatever lies behind it. */
export const itStoresRuns = ({ create, pass }: RunStoreBench): void => {
  it('gives a run to one of 50 that claim it, and tells the others what came of it', async () => {
    const store = await create()
    const claimed = await Promise.all(Array.from({ length: 50 }, () => store.claim(claimOf(1))))
    expect(claimed).toEqual([MINE, ...Array.from({ length: 49 }, () => ({ kind: 'running' }))])
    const followed = Promise.all(Array.from({ length: 49 }, () => store.follow(ID, never)))
    await store.finish(ID, answerOf('a'), LONG_MS)
    expect(await followed).toEqual(Array.from({ length: 49 }, () => answerOf('a')))
    expect(await store.claim(claimOf(1))).toEqual({ kind: 'done', answer: answerOf('a') })
    expect(await store.follow(ID, never)).toEqual(answerOf('a'))
  })

  it.each([
    ['images', answerOf('a')],
    ['a refusal', REFUSAL],
    ['a request that was taken on', { kind: 'accepted', requestId: 'later' } as const],
  ])('keeps %s', async (_what, answer) => {
    const store = await create()
    await store.claim(claimOf(1))
    expect(await store.read(ID)).toBeUndefined()
    await store.finish(ID, answer, LONG_MS)
    expect(await store.read(ID)).toEqual(answer)
  })

  it('keeps an answer no longer than it was told to', async () => {
    const store = await create()
    await store.claim(claimOf(1))
    await store.finish(ID, answerOf('a'), 250)
    expect(await store.read(ID)).toEqual(answerOf('a'))
    await pass(260)
    expect(await store.read(ID)).toBeUndefined()
    expect(await store.follow(ID, never)).toBeUndefined()
    expect(await store.claim(claimOf(1, { fingerprint: 'something else' }))).toEqual(MINE)
  })

  it('tells who asks for something else that the run is of another request', async () => {
    const store = await create()
    const other = claimOf(1, { fingerprint: 'something else' })
    await store.claim(claimOf(1))
    expect(await store.claim(other)).toEqual({ kind: 'other', isRunning: true })
    await store.finish(ID, answerOf('a'), LONG_MS)
    expect(await store.claim(other)).toEqual({ kind: 'other', isRunning: false })
  })

  it('begins a run anew that was released, and says so to who followed it', async () => {
    const store = await create()
    await store.claim(claimOf(1))
    store.noteJob(ID, jobOf('one'))
    store.dropJob(ID, 'one')
    const followed = store.follow(ID, never)
    await store.release(ID)
    expect(await followed).toBeUndefined()
    expect(await store.read(ID)).toBeUndefined()
    expect(await store.claim(claimOf(1))).toEqual(MINE)
    await store.finish(ID, answerOf('b'), LONG_MS)
    expect(await store.read(ID)).toEqual(answerOf('b'))
  })

  it('gives the jobs of a run that was released to who claims it next', async () => {
    const store = await create()
    await store.claim(claimOf(1))
    const [one, two, three] = ['one', 'two', 'three'].map((id, createdAtMs) =>
      jobOf(id, { createdAtMs }),
    )
    for (const job of [one, two, three]) if (job) store.noteJob(ID, job)
    store.dropJob(ID, 'two')
    const followed = store.follow(ID, never)
    await store.release(ID)
    expect([await followed, await store.read(ID)]).toEqual([undefined, undefined])
    const other = claimOf(1, { fingerprint: 'something else' })
    expect(await store.claim(other)).toEqual({ kind: 'other', isRunning: false })
    const repeat = claimOf(1, { requestId: 'repeat' })
    const mine = { kind: 'mine', jobs: [one, three], firstRequestId: 'request-1' }
    expect(await store.claim(repeat)).toEqual(mine)
    expect(await store.claim(claimOf(1))).toEqual({ kind: 'running' })
    store.dropJob(ID, 'one')
    await store.release(ID)
    expect(await store.claim(claimOf(1))).toEqual({ kind: 'mine', jobs: [three] })
    await store.finish(ID, answerOf('a'), LONG_MS)
    expect(await store.read(ID)).toEqual(answerOf('a'))
  })

  it('gives a run that was released to one of those who followed it', async () => {
    const store = await create()
    await store.claim(claimOf(1))
    const claims = Array.from({ length: 5 }, async () => {
      await store.follow(ID, never)
      return store.claim(claimOf(1))
    })
    await store.release(ID)
    const kinds = (await Promise.all(claims)).map(({ kind }) => kind)
    expect(kinds.sort()).toEqual(['mine', 'running', 'running', 'running', 'running'])
  })

  it('follows only as long as its caller waits', async () => {
    const store = await create()
    await store.claim(claimOf(1))
    const left = new AbortController()
    const followed = store.follow(ID, left.signal)
    left.abort()
    expect(await followed).toBeUndefined()
    expect(await store.follow(ID, left.signal)).toBeUndefined()
    expect(await store.claim(claimOf(1))).toEqual({ kind: 'running' })
  })

  it('keeps runs apart', async () => {
    const store = await create()
    await store.claim(claimOf(1))
    expect(await store.claim(claimOf(2))).toEqual(MINE)
    await store.finish(ID, answerOf('a'), LONG_MS)
    expect(await store.read(runIdOf(2))).toBeUndefined()
    expect(await store.claim(claimOf(2))).toEqual({ kind: 'running' })
  })

  it('takes what is said of a run that it does not know for nothing', async () => {
    const store = await create()
    store.noteJob(ID, jobOf('one'))
    store.dropJob(ID, 'one')
    await store.finish(ID, answerOf('a'), LONG_MS)
    await store.settle(ID)
    await store.release(ID)
    expect(await store.read(ID)).toBeUndefined()
    expect(await store.follow(ID, never)).toBeUndefined()
    expect(await store.claim(claimOf(1))).toEqual(MINE)
  })

  it('tells the first end of a run only', async () => {
    const store = await create()
    await store.claim(claimOf(1))
    await store.finish(ID, answerOf('a'), LONG_MS)
    await store.finish(ID, answerOf('b'), LONG_MS)
    await store.release(ID)
    expect(await store.read(ID)).toEqual(answerOf('a'))
  })

  it('does not take its own runs for orphans', async () => {
    const store = await create()
    await store.claim(claimOf(1, { order: orderOf(1) }))
    await store.claim(claimOf(2, { order: orderOf(2) }))
    await store.finish(runIdOf(2), answerOf('b'), LONG_MS)
    await pass(60)
    expect(await store.adoptOrphans()).toEqual([])
    await store.settle(runIdOf(2))
    expect(await store.read(runIdOf(2))).toEqual(answerOf('b'))
  })

  it('goes on answering once it is closed', async () => {
    const store = await create()
    await store.claim(claimOf(1))
    await store.close()
    await store.finish(ID, answerOf('a'), LONG_MS)
    expect(await store.claim(claimOf(1))).toEqual({ kind: 'done', answer: answerOf('a') })
    expect(await store.claim(claimOf(2))).toEqual(MINE)
    expect(await store.adoptOrphans()).toEqual([])
  })
}
