import { describe, expect, it } from 'vitest'
import { createBusyCount } from '#src/domain/busy-count.ts'
import type { ProviderAdapter, ProviderAnswer } from '#src/domain/provider-adapter.ts'
import { trackCalls } from '#src/generation/track-calls.ts'
import { providerCall } from '#test/providers/lib/adapter-fixtures.ts'

const ANSWER: ProviderAnswer = { images: [{ kind: 'base64', pieces: [Buffer.from('aW1n')] }] }
const JOB = { id: 'job-1' }
const { attemptId, providerModelId, timeoutMs, signal } = providerCall()
const ADOPTION = { attemptId, providerModelId, timeoutMs, signal, job: JOB }

describe('trackCalls', () => {
  it('counts a generation until it has settled', async () => {
    const busy = createBusyCount()
    const during: number[] = []
    const adapter = trackCalls(
      {
        generate: async () => {
          during.push(busy.count)
          return ANSWER
        },
      },
      busy,
    )
    expect(await adapter.generate(providerCall())).toBe(ANSWER)
    expect([during, busy.count]).toEqual([[1], 0])
  })

  it('counts an adoption until it has settled, failed ones too', async () => {
    const busy = createBusyCount()
    const adopted: unknown[] = []
    const own: ProviderAdapter = {
      generate: async () => ANSWER,
      async adopt({ job }) {
        adopted.push([job, busy.count, this === own])
        throw new Error('gone')
      },
    }
    await expect(trackCalls(own, busy).adopt?.(ADOPTION)).rejects.toThrow('gone')
    expect([adopted, busy.count]).toEqual([[[JOB, 1, true]], 0])
  })

  it('has no adoption where the provider has none, and keeps what else there is', async () => {
    const close = async () => {}
    const adapter = trackCalls({ generate: async () => ANSWER, close }, createBusyCount())
    expect(Object.keys(adapter).sort()).toEqual(['close', 'generate'])
    expect(adapter.close).toBe(close)
  })
})
