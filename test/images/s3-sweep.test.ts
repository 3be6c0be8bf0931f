import { afterEach, describe, expect, it } from 'vitest'
import { createMediaFileName } from '#src/images/media-store.ts'
import { openS3Store, type S3StoreOptions, type S3StoreUnderTest } from './stores-under-test.ts'

const options = { format: 'png', expiresAtMs: 60_000 } as const

let under: S3StoreUnderTest
const open = async (storeOptions?: S3StoreOptions) => {
  under = await openS3Store(storeOptions)
  return under
}
afterEach(() => under.close())

const operations = () => under.emulator.requests.map(({ operation }) => operation)

describe('a sweep of a bucket', () => {
  const store20 = async () => {
    for (let second = 1; second <= 20; second += 1) {
      await under.store.put(Buffer.from('x'), { format: 'png', expiresAtMs: second * 1000 })
    }
    under.emulator.clearRequests()
  }

  it('goes through all pages and deletes each at once', async () => {
    const { store } = await open({ emulator: { pageSize: 8 } })
    await store20()
    expect(await store.sweep(20_000)).toBe(20)
    expect(await under.names()).toEqual([])
    const page = ['ListObjectsV2', 'DeleteObjects']
    expect(operations()).toEqual([...page, ...page, ...page, 'ListMultipartUploads'])
  })

  it('stops at the page with the first living image', async () => {
    const { store } = await open({ emulator: { pageSize: 5 } })
    await store20()
    expect(await store.sweep(7_000)).toBe(7)
    const page = ['ListObjectsV2', 'DeleteObjects']
    expect(operations()).toEqual([...page, ...page, 'ListMultipartUploads'])
    expect((await under.names()).length).toBe(13)
  })

  it('touches nothing outside its folder, and nothing that is no image', async () => {
    const { store, emulator } = await open({ emulator: { pageSize: 2 } })
    const { file } = await store.put(Buffer.from('abc'), options)
    const { objects } = emulator.bucket
    const object = objects.get(`some/folder/${file}`)
    const others = [file, `other/${file}`, 'some/folder/.signing-key', 'some/folder/0000000001.txt']
    for (const key of others) if (object) objects.set(key, object)
    expect(await store.sweep(60_000)).toBe(1)
    expect([...objects.keys()]).toEqual(others)
  })

  it('ends uploads that began an hour ago, and no others', async () => {
    const { store, emulator } = await open({ emulator: { pageSize: 1 } })
    const start = (key: string, startedAt: number) =>
      emulator.bucket.uploads.set(`${key} ${startedAt}`, {
        key,
        startedAt,
        headers: {},
        parts: new Map(),
      })
    const key = `some/folder/${createMediaFileName({ ...options, expiresAtMs: 9e12 })}`
    start(key, 1_000)
    start(key, 1_001)
    start(key, 999)
    start('some/folder/of-others.png', 1_000)
    start(key.replace('some', 'other'), 1_000)
    expect(await store.sweep(3_601_000)).toBe(2)
    expect([...emulator.bucket.uploads.values()].map((upload) => upload.startedAt)).toEqual([
      1_001, 1_000, 1_000,
    ])
  })

  it('goes on when one removal fails, and then says so', async () => {
    const { store, emulator } = await open({ emulator: { pageSize: 8 } })
    await store20()
    emulator.bucket.uploads.set('stale', {
      key: `some/folder/${createMediaFileName(options)}`,
      startedAt: 0,
      headers: {},
      parts: new Map(),
    })
    emulator.spoil('DeleteObjects', ['denied'])
    await expect(store.sweep(3_600_000)).rejects.toThrow()
    expect([emulator.bucket.objects.size, emulator.bucket.uploads.size]).toEqual([8, 0])
    emulator.spoil('ListObjectsV2', ['denied'])
    emulator.clearRequests()
    await expect(store.sweep(3_600_000)).rejects.toThrow()
    expect(operations()).toEqual(['ListObjectsV2', 'ListMultipartUploads'])
  })

  it('rejects when the bucket refuses', async () => {
    const { store, emulator } = await open()
    emulator.spoil('ListObjectsV2', { always: 'denied' })
    await expect(store.sweep(0)).rejects.toThrow()
  })
})
