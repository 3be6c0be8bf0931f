import { expect, it } from 'vitest'
import type { ProviderAdapter } from '#src/domain/provider-adapter.ts'
import { NO_TRACER } from '#src/domain/tracer.ts'
import { traceAnswers, traceAttempts, traceUpstream } from '#src/generation/trace-attempts.ts'

it('nothing stands between the gateway and its providers when nothing is traced', () => {
  const adapter: ProviderAdapter = { generate: async () => ({ images: [] }) }
  const send = async () => Promise.reject(new Error('not sent'))
  expect(traceAnswers(adapter, NO_TRACER)).toBe(adapter)
  expect(traceUpstream(send, NO_TRACER)).toBe(send)
  const offering = { provider: 'fal', configKey: 'fal/m', providerModelId: 'm' }
  expect(traceAttempts(undefined, 'request', () => offering)).toEqual({})
  expect(traceAttempts(NO_TRACER, 'request', () => offering)).toEqual({})
})
