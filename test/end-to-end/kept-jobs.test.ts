import { rm, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import {
  GENERATIONS,
  startTestGateway,
  type TestGateway,
} from '#test/helpers/start-test-gateway.ts'

describe('a finished job whose image the gateway could not store', () => {
  let gateway: TestGateway
  beforeEach(async () => {
    gateway = await startTestGateway()
  })
  afterEach(() => gateway.close())

  const ask = (only: string, part: object = {}) =>
    gateway.post(
      GENERATIONS,
      { model: FIRST_MODEL, prompt: 'a lighthouse', provider: { only: [only] }, ...part },
      { 'idempotency-key': 'kept' },
    )

  const breakStore = async (): Promise<void> => {
    await rm(gateway.mediaDir, { recursive: true })
    await writeFile(gateway.mediaDir, 'no folder')
  }

  it.each(['fal', 'replicate'])(
    'is fetched from %s by the repeat, once it can be',
    async (provider) => {
      await breakStore()
      expect((await ask(provider)).status).toBe(500)
      expect((await ask(provider)).status).toBe(500)
      await rm(gateway.mediaDir)
      const { status, body, headers } = await ask(provider)
      expect([status, headers.get('idempotent-replayed')]).toEqual([200, null])
      expect(body.metadata.attempts).toHaveLength(1)
      expect((await fetch(body.data[0].url)).status).toBe(200)
      expect((await ask(provider)).headers.get('idempotent-replayed')).toBe('true')
      expect(gateway.creates()).toBe(1)
    },
  )
})
