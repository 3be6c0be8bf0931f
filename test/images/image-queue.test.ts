import { describe, expect, it } from 'vitest'
import { isImageQueueBusy, runInImageQueue } from '#src/images/image-queue.ts'
import { PICTURES_AT_ONCE } from '#src/images/sharp-library.ts'

describe('runInImageQueue', () => {
  it('runs no more at once than there are slots', async () => {
    let running = 0
    let most = 0
    const work = async () => {
      running += 1
      most = Math.max(most, running)
      await new Promise(setImmediate)
      running -= 1
    }
    const all = Array.from({ length: PICTURES_AT_ONCE + 3 }, () => runInImageQueue(work))
    expect(isImageQueueBusy()).toBe(true)
    await Promise.all(all)
    expect(most).toBe(PICTURES_AT_ONCE)
    expect(isImageQueueBusy()).toBe(false)
  })

  it('does not begin waiting work whose signal was aborted', async () => {
    const controller = new AbortController()
    const blockers = Array.from({ length: PICTURES_AT_ONCE }, () =>
      runInImageQueue(() => new Promise(setImmediate)),
    )
    let isBegun = false
    const waiting = runInImageQueue(
      async () => {
        isBegun = true
      },
      { signal: controller.signal },
    )
    controller.abort(new Error('gone'))
    await expect(waiting).rejects.toThrow('gone')
    await Promise.all(blockers)
    expect(isBegun).toBe(false)
  })

  it('runs the largest picture alone, and what came before it first', async () => {
    const running = new Set<string>()
    const together: string[][] = []
    const work = (name: string, bytes: number) =>
      runInImageQueue(
        async () => {
          running.add(name)
          together.push([...running])
          await new Promise(setImmediate)
          running.delete(name)
        },
        { bytes },
      )
    await Promise.all([
      work('small', 1),
      work('large', 480e6),
      work('huge', 480e6),
      work('last', 1),
    ])
    expect(together).toEqual([['small'], ['large'], ['huge'], ['last']])
  })
})
