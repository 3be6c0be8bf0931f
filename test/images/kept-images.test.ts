import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { createByteBudget } from '#src/bytes/byte-budget.ts'
import type { KeptImage } from '#src/domain/image-answer.ts'
import { createOpenKeptImages } from '#src/images/kept-images.ts'
import type { MediaStore } from '#src/images/media-store.ts'
import { createMediaSigner } from '#src/images/media-url.ts'

const NOW_MS = 1_000_000
const signer = createMediaSigner(Buffer.alloc(32, 1))
const fileUntil = (second: number) => `${`${second}`.padStart(10, '0')}-${'a'.repeat(32)}.png`

const kept = (file: string): KeptImage => ({
  file,
  format: 'png',
  size: { width: 3, height: 2 },
  sizeBytes: 10,
})

const openWith = (store: Partial<MediaStore>) =>
  createOpenKeptImages({
    store: store as MediaStore,
    signer,
    clock: { now: () => NOW_MS, monotonicMs: () => 0 },
    mediaTtlMs: 3_600_000,
  })

describe('images of a kept answer', () => {
  const described = openWith({ describe: async () => ({ sizeBytes: 10, mediaType: 'image/png' }) })

  it.each([
    ['as long as any other, while their file lies there', 90_000, 4_600_000],
    ['no longer than their file lies there', 1_030, 1_030_000],
  ])('have URLs that are good %s', async (_how, fileEndsS, expiresAtMs) => {
    const file = fileUntil(fileEndsS)
    const [answered] = await described([kept(file)], 'url')
    const path = signer.sign(file, expiresAtMs)
    expect(answered).toEqual({ image: { ...kept(file), content: { kind: 'hosted', path } } })
  })

  it('that break off while they are read are a 503 to be tried again, as nothing is paid again', async () => {
    const broken = async function* () {
      yield Buffer.from('begun')
      throw new Error('aborted')
    }
    const open = openWith({
      open: async () => ({
        stream: Readable.from(broken()),
        sizeBytes: 10,
        mediaType: 'image/png',
      }),
    })
    await expect(open([kept(fileUntil(90_000))], 'b64_json')).rejects.toMatchObject({
      code: 'OVERLOADED',
      status: 503,
    })
  })

  it('are counted while they are held as bytes, and a 503 when memory has no room for them', async () => {
    const open = openWith({
      open: async () => ({
        stream: Readable.from([Buffer.alloc(10)]),
        sizeBytes: 10,
        mediaType: 'image/png',
      }),
      describe: async () => ({ sizeBytes: 10, mediaType: 'image/png' }),
    })
    const budget = createByteBudget({ limitBytes: 50 })
    const [first, second] = [budget.openAccount(), budget.openAccount()]
    const two = [kept(fileUntil(90_000)), kept(fileUntil(90_000))]
    await open(two, 'b64_json', first)
    expect(first.heldBytes).toBe(20)
    await expect(open(two, 'b64_json', second)).rejects.toMatchObject({ code: 'OVERLOADED' })
    await open(two, 'url', second)
    expect(second.heldBytes).toBe(0)
    first.close()
    await open(two, 'b64_json', second)
  })

  it('that are gone are not found', async () => {
    const open = openWith({ open: async () => undefined, describe: async () => undefined })
    for (const form of ['url', 'b64_json'] as const) {
      await expect(open([kept(fileUntil(90_000))], form)).rejects.toMatchObject({
        code: 'NOT_FOUND',
      })
    }
  })
})
