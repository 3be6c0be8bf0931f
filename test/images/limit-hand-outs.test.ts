import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it, vi } from 'vitest'
import { limitHandOuts } from '#src/images/limit-hand-outs.ts'
import type { MediaStore, OpenedMedia } from '#src/images/media-store.ts'

const TOO_MANY = { code: 'OVERLOADED', status: 503 }

/** Opens two at once at most; what `open` does can be replaced. */
const createStore = (open: () => Promise<OpenedMedia | undefined>) =>
  limitHandOuts({ open } as unknown as MediaStore, 2)

const image = async (): Promise<OpenedMedia> => ({
  stream: Readable.from([Buffer.from('abc')]),
  sizeBytes: 3,
  mediaType: 'image/png',
})

describe('images that are handed out at once', () => {
  it('are no more than are allowed, until one has been read or given up', async () => {
    const store = createStore(image)
    const [one, other] = [await store.open('a'), await store.open('b')]
    await expect(store.open('c')).rejects.toMatchObject(TOO_MANY)
    expect(one && (await buffer(one.stream)).toString()).toBe('abc')
    const next = await store.open('c')
    await expect(store.open('d')).rejects.toMatchObject(TOO_MANY)
    for (const media of [other, next]) media?.stream.destroy()
    await expect.poll(() => store.open('d')).toBeDefined()
  })

  it('count while the store is being asked, and not when it has none or fails', async () => {
    const asked = Promise.withResolvers<undefined>()
    const store = createStore(() => asked.promise)
    const waiting = [store.open('a'), store.open('b')]
    await expect(store.open('c')).rejects.toMatchObject(TOO_MANY)
    asked.resolve(undefined)
    expect(await Promise.all(waiting)).toEqual([undefined, undefined])
    const failing = createStore(() => Promise.reject(new Error('away')))
    for (const file of ['a', 'b', 'c']) await expect(failing.open(file)).rejects.toThrow('away')
  })

  it('end after ten minutes, also where their readers take a byte now and then', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const store = createStore(image)
      const [one, other] = [await store.open('a'), await store.open('b')]
      vi.advanceTimersByTime(599_999)
      await expect(store.open('c')).rejects.toMatchObject(TOO_MANY)
      expect(one?.stream.destroyed).toBe(false)
      vi.advanceTimersByTime(1)
      expect([one, other].map((media) => media?.stream.destroyed)).toEqual([true, true])
      await vi.waitFor(async () => (await store.open('d'))?.stream.destroy())
    } finally {
      vi.useRealTimers()
    }
  })
})
