import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMediaFileName, type MediaStore } from '#src/images/media-store.ts'
import type { StoreUnderTest } from './stores-under-test.ts'

const options = { format: 'png', expiresAtMs: 60_000 } as const

/** Larger than one part of an upload. */
const LARGE_BYTES = 12_000_000

const large = async function* (onHalf: () => void | Promise<void> = () => undefined) {
  for (let sent = 0; sent < LARGE_BYTES; sent += 100_000) {
    if (sent === LARGE_BYTES / 2) await onHalf()
    yield Buffer.alloc(100_000, sent / 100_000)
  }
}

const readAll = async (store: MediaStore, file: string) => {
  const opened = await store.open(file)
  return opened && buffer(opened.stream)
}

/** What every store of hosted images does. */
export const describeMediaStore = (
  name: string,
  openStore: () => Promise<StoreUnderTest>,
): void => {
  describe(`${name} as a store of images`, () => {
    let under: StoreUnderTest
    let store: MediaStore
    beforeEach(async () => {
      under = await openStore()
      store = under.store
    })
    afterEach(() => under.close())

    describe('put', () => {
      it('keeps bytes and streams, and gives them back with size and type', async () => {
        const fromBytes = await store.put(Buffer.from('abc'), options)
        const parts = [Buffer.from('ab'), Buffer.from('cd')]
        const fromStream = await store.put(Readable.from(parts), { ...options, format: 'webp' })
        expect([fromBytes.sizeBytes, fromStream.sizeBytes]).toEqual([3, 4])
        expect(await store.describe(fromStream.file)).toEqual({
          sizeBytes: 4,
          mediaType: 'image/webp',
        })
        const opened = await store.open(fromStream.file)
        expect(opened).toMatchObject({ sizeBytes: 4, mediaType: 'image/webp' })
        expect(String(opened && (await buffer(opened.stream)))).toBe('abcd')
        expect(String(await readAll(store, fromBytes.file))).toBe('abc')
      })

      it('keeps what is larger than a part, from a stream and from bytes', async () => {
        const whole = await buffer(Readable.from(large()))
        const fromStream = await store.put(large(), options)
        const fromBytes = await store.put(whole, options)
        expect([fromStream.sizeBytes, fromBytes.sizeBytes]).toEqual([LARGE_BYTES, LARGE_BYTES])
        expect((await readAll(store, fromStream.file))?.equals(whole)).toBe(true)
        expect((await readAll(store, fromBytes.file))?.equals(whole)).toBe(true)
      })

      it('keeps an image of no bytes from a stream', async () => {
        const { file, sizeBytes } = await store.put(Readable.from([]), options)
        expect([sizeBytes, await readAll(store, file)]).toEqual([0, Buffer.alloc(0)])
      })

      it('names the file by second of expiry and format', async () => {
        const { file } = await store.put(Buffer.from('a'), { format: 'jpeg', expiresAtMs: 1_500 })
        expect(file).toMatch(/^0000000002-[0-9a-f]{32}\.jpeg$/)
        expect(await under.names()).toEqual([file])
      })

      it('gives no name to a file before it is whole', async () => {
        const seen: unknown[] = []
        const source = large(async () => {
          for (const each of await under.names()) seen.push(await store.open(each))
        })
        const { file } = await store.put(source, options)
        expect(seen.filter((each) => each !== undefined)).toEqual([])
        expect(await under.names()).toEqual([file])
      })

      it.each([
        ['at once', 0],
        ['in the first part', 1],
        ['in a later part', 2],
      ])('leaves nothing when its source fails %s, and rejects with its error', async (_, at) => {
        const source = async function* () {
          if (at === 1) yield Buffer.from('half')
          if (at === 2) yield* large()
          throw new Error('connection lost')
        }
        await expect(store.put(source(), options)).rejects.toThrow('connection lost')
        expect(await under.names()).toEqual([])
      })

      it('ends when nobody waits any more, and leaves nothing', async () => {
        const controller = new AbortController()
        const source = large(() => controller.abort())
        const { signal } = controller
        await expect(store.put(source, { ...options, signal })).rejects.toThrow()
        await expect.poll(() => under.names()).toEqual([])
        await expect(store.put(Buffer.from('abc'), { ...options, signal })).rejects.toThrow()
        expect(await under.names()).toEqual([])
      })

      it.each(['before', 'while'])('ends when nobody waits %s its source hangs', async (moment) => {
        const controller = new AbortController()
        const hanging = async function* () {
          yield Buffer.from('begun')
          if (moment === 'while') setImmediate(() => controller.abort())
          await new Promise(() => undefined)
        }
        if (moment === 'before') controller.abort()
        const { signal } = controller
        await expect(store.put(hanging(), { ...options, signal })).rejects.toThrow()
        await expect.poll(() => under.names()).toEqual([])
      })
    })

    describe('open', () => {
      it.each([
        [{ firstByte: 0, lastByte: 0 }, 'a'],
        [{ firstByte: 2, lastByte: 4 }, 'cde'],
        [{ firstByte: 5, lastByte: 5 }, 'f'],
      ])('gives the part %j', async (part, expected) => {
        const { file } = await store.put(Buffer.from('abcdef'), options)
        const opened = await store.open(file, part)
        expect(opened).toMatchObject({ sizeBytes: expected.length, mediaType: 'image/png' })
        expect(String(opened && (await buffer(opened.stream)))).toBe(expected)
      })

      it('can be left in the middle', async () => {
        const { file } = await store.put(large(), options)
        for (let times = 0; times < 3; times += 1) (await store.open(file))?.stream.destroy()
        expect((await readAll(store, file))?.length).toBe(LARGE_BYTES)
      })
    })

    it('knows nothing of names that it never gave', async () => {
      const { file } = await store.put(Buffer.from('abc'), options)
      const names = ['plain.png', `../${file}`, '.signing-key', '', createMediaFileName(options)]
      for (const each of names) {
        expect(await store.open(each)).toBeUndefined()
        expect(await store.describe(each)).toBeUndefined()
        await store.remove(each)
      }
      expect(await under.names()).toEqual([file])
    })

    it('removes a file for good', async () => {
      const { file } = await store.put(Buffer.from('abc'), options)
      await store.remove(file)
      expect([await store.open(file), await store.describe(file)]).toEqual([undefined, undefined])
    })

    describe('sweep', () => {
      it('removes what has expired, also what an earlier process stored', async () => {
        const old = await store.put(Buffer.from('old'), options)
        const young = await store.put(Buffer.from('young'), { ...options, expiresAtMs: 60_001 })
        const restarted = await under.reopen()
        expect(await restarted.sweep(59_999)).toBe(0)
        expect(await restarted.sweep(60_000)).toBe(1)
        expect(await store.open(old.file)).toBeUndefined()
        expect(await under.names()).toEqual([young.file])
      })

      it('is not disturbed by another sweep at the same time', async () => {
        await Promise.all(Array.from({ length: 20 }, () => store.put(Buffer.from('x'), options)))
        const [one, other] = await Promise.all([store.sweep(60_000), store.sweep(60_000)])
        expect(one + other).toBeGreaterThanOrEqual(20)
        expect(await under.names()).toEqual([])
      })
    })
  })
}
