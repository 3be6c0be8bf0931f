import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ByteBudget, createByteBudget } from '#src/bytes/byte-budget.ts'
import type { WantedImages } from '#src/domain/image-result.ts'
import type { ProviderImage } from '#src/domain/provider-adapter.ts'
import { createPreparation, type Preparation } from './preparation.ts'
import { samplePng } from './sample-images.ts'

const url: WantedImages = { responseFormat: 'url' }
const base64: WantedImages = { responseFormat: 'b64_json' }
const jpeg = { ...base64, outputFormat: 'jpeg' } as const

let preparation: Preparation
let budget: ByteBudget
beforeEach(async () => {
  preparation = await createPreparation()
  budget = createByteBudget({ limitBytes: 50_000_000 })
  preparation.dependencies = { ...preparation.dependencies, memory: budget.openAccount() }
})
afterEach(() => preparation.close())

const heldBytes = (): number => budget.figures().heldBytes

/** An image in an answer that is counted elsewhere, and how often it was released. */
const inlineImage = (bytes: Buffer) => {
  const released = { count: 0 }
  const image: ProviderImage = {
    kind: 'base64',
    pieces: [Buffer.from(bytes.toString('base64'))],
    release: () => {
      released.count += 1
    },
  }
  return { image, released }
}

describe('an image in an answer', () => {
  it('is released once it is hosted', async () => {
    const { image, released } = inlineImage(await samplePng({ width: 200, height: 200 }))
    await preparation.prepareOne(image, url)
    expect([released.count, heldBytes()]).toEqual([1, 0])
  })

  it('is not released while it is held to be answered', async () => {
    const { image, released } = inlineImage(await samplePng({ width: 200, height: 200 }))
    await preparation.prepareOne(image, base64)
    expect([released.count, heldBytes()]).toEqual([0, 0])
  })

  it('is released once it is converted, and what it became is held instead', async () => {
    const { image, released } = inlineImage(await samplePng({ width: 200, height: 200 }))
    const { sizeBytes } = await preparation.prepareOne(image, jpeg)
    expect([released.count, heldBytes()]).toEqual([1, sizeBytes])
  })

  it.each([url, base64, jpeg])('is released when it is no use (as %j)', async (wanted) => {
    const { image, released } = inlineImage(Buffer.from('<html>'))
    await expect(preparation.prepareOne(image, wanted)).rejects.toThrow()
    expect(released.count).toBeGreaterThan(0)
    expect(heldBytes()).toBe(0)
  })

  it('is released when the store fails', async () => {
    const { image, released } = inlineImage(await samplePng({ width: 200, height: 200 }))
    const store = { ...preparation.store, put: () => Promise.reject(new Error('full')) }
    preparation.dependencies = { ...preparation.dependencies, store }
    await expect(preparation.prepareOne(image, url)).rejects.toThrow('full')
    expect(released.count).toBeGreaterThan(0)
  })
})

describe('an image behind a URL', () => {
  it('counts while it is read back, as its ends leave a doubt, and then no more', async () => {
    const bytes = await samplePng({ width: 200, height: 200 })
    const { store } = preparation
    let heldThen = 0
    const open: typeof store.open = (file) => {
      heldThen = heldBytes()
      return store.open(file)
    }
    preparation.dependencies = { ...preparation.dependencies, store: { ...store, open } }
    preparation.ways(Buffer.concat([bytes, Buffer.from([0])]))
    await preparation.prepareOne(preparation.asUrl(), url)
    expect([heldThen, heldBytes()]).toEqual([bytes.length + 1, 0])
  })

  it('counts as what it is while it is held', async () => {
    const bytes = await samplePng({ width: 200, height: 200 })
    preparation.ways(bytes)
    await preparation.prepareOne(preparation.asUrl(), base64)
    expect(heldBytes()).toBe(bytes.length)
  })

  it('is not asked for before there is room for it, and then not waited for again', async () => {
    const other = await budget.reserve(49_000_000, new AbortController().signal)
    preparation.ways(await samplePng({ width: 200, height: 200 }))
    const prepared = preparation.prepareOne(preparation.asUrl(), base64)
    await expect.poll(() => budget.figures().waiting).toBe(1)
    expect(preparation.server.requests).toHaveLength(0)
    other.release()
    await prepared
    expect(preparation.server.requests).toHaveLength(1)
  })

  it('holds nothing when it is passed on into the store', async () => {
    preparation.ways(await samplePng({ width: 200, height: 200 }))
    await budget.reserve(50_000_000, new AbortController().signal)
    await preparation.prepareOne(preparation.asUrl(), url)
    expect(heldBytes()).toBe(50_000_000)
  })

  it('counts as what the store holds of it while it is stored', async () => {
    preparation.ways(await samplePng({ width: 200, height: 200 }))
    const seen: number[] = []
    const store = {
      ...preparation.store,
      putHoldsBytes: 1_000,
      put: (...given: Parameters<typeof preparation.store.put>) => {
        seen.push(heldBytes())
        return preparation.store.put(...given)
      },
    }
    preparation.dependencies = { ...preparation.dependencies, store }
    await preparation.prepareOne(preparation.asUrl(), url)
    expect([...seen, heldBytes()]).toEqual([1_000, 0])
  })

  it.each([
    [1_000, 1_000],
    [50_000_000, Number.POSITIVE_INFINITY],
  ])(
    'that is answered as base64 and kept counts besides as what the store holds of it, %i at most',
    async (putHoldsBytes, most) => {
      const bytes = await samplePng({ width: 200, height: 200 })
      const { image } = inlineImage(bytes)
      const seen: number[] = []
      const put: typeof preparation.store.put = (...given) => {
        seen.push(heldBytes())
        return preparation.store.put(...given)
      }
      const store = { ...preparation.store, putHoldsBytes, put }
      preparation.dependencies = { ...preparation.dependencies, store }
      await preparation.prepareOne(image, { ...base64, keepForMs: 1_000 })
      expect([...seen, heldBytes()]).toEqual([Math.min(most, bytes.length), 0])
    },
  )

  it('holds nothing any more when it is no use, or its client has left', async () => {
    preparation.ways(Buffer.from('<html>'))
    await expect(preparation.prepareOne(preparation.asUrl(), base64)).rejects.toThrow()
    expect(heldBytes()).toBe(0)
    preparation.answer = (_request, response) => {
      response.write('begun', () => preparation.controller.abort())
    }
    await expect(preparation.prepareOne(preparation.asUrl(), base64)).rejects.toThrow()
    expect(heldBytes()).toBe(0)
  })
})
