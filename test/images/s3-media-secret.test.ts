import { afterEach, beforeEach, expect, it } from 'vitest'
import { loadS3MediaSecret } from '#src/images/s3-media-secret.ts'
import { openS3Store, type S3StoreUnderTest } from './stores-under-test.ts'

let under: S3StoreUnderTest
beforeEach(async () => {
  under = await openS3Store()
})
afterEach(() => under.close())

const KEY = 'some/folder/.signing-key'
const load = () => loadS3MediaSecret(under.client, under.settings)

it('is created once, when several gateways start at the same time too', async () => {
  const secrets = await Promise.all(Array.from({ length: 8 }, load))
  const again = await load()
  expect(new Set([...secrets, again].map((secret) => secret.toString('hex'))).size).toBe(1)
  expect(again).toEqual(under.emulator.bucket.objects.get(KEY)?.bytes)
  expect(again).toHaveLength(32)
})

it('is read again when another gateway is just writing it', async () => {
  under.emulator.spoil('PutObject', ['conflict'])
  expect(await load()).toHaveLength(32)
})

it('is another one in another folder', async () => {
  const other = await loadS3MediaSecret(under.client, { ...under.settings, prefix: '' })
  expect((await load()).equals(other)).toBe(false)
})

it('is refused when the object is no key', async () => {
  await load()
  const object = under.emulator.bucket.objects.get(KEY)
  if (object) under.emulator.bucket.objects.set(KEY, { ...object, bytes: Buffer.from('short') })
  await expect(load()).rejects.toThrow('must hold 32 bytes but has 5')
})

it('fails as the bucket does', async () => {
  under.emulator.spoil('GetObject', { always: 'denied' })
  await expect(load()).rejects.toMatchObject({ name: 'AccessDenied' })
})
