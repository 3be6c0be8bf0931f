import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { GatewayError, ProviderError } from '#src/domain/errors.ts'
import { createDecisionTrace } from '#src/generation/decision-trace.ts'
import { createGenerationEvents } from '#src/generation/events.ts'
import type { Attempt } from '#src/routing/attempt.ts'
import { createLogger } from '#src/telemetry/logger.ts'
import { logRequestEvents } from '#src/telemetry/request-events.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { imageRequest } from '#test/helpers/models.ts'

const setUp = () => {
  const lines: Record<string, unknown>[] = []
  const stream = new PassThrough()
  stream.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().trim().split('\n')) lines.push(JSON.parse(line))
  })
  const events = createGenerationEvents()
  logRequestEvents(events, createLogger('debug', stream))
  return { events, lines, trace: createDecisionTrace('req_test', createFakeClock()) }
}

const attempt = (part: Partial<Attempt> = {}): Attempt => ({
  id: 'a',
  provider: 'fal',
  configKey: 'fal/m',
  status: 'completed',
  count: 1,
  begunMs: 0,
  durationMs: 5,
  providerMs: 5,
  cost: 80_000,
  ...part,
})

describe('the log', () => {
  it('has one line per request, with the prompt as length and hash only', () => {
    const { events, lines, trace } = setUp()
    trace.attempts.push(attempt())
    const request = imageRequest({ parameters: { prompt: 'a secret lighthouse', user: 'u' } })
    events.emit('request', {
      request,
      trace,
      status: 'completed',
      durationMs: 7,
      cost: 80_000,
      images: 1,
    })
    expect(lines.map(({ msg }) => msg)).toEqual(['request', 'routing'])
    expect(lines[0]).toMatchObject({
      level: 'info',
      requestId: 'req_test',
      status: 'completed',
      costUsd: 0.08,
      promptCharacters: 19,
      promptHash: expect.stringMatching(/^[0-9a-f]{16}$/),
      user: 'u',
      attempts: [{ configKey: 'fal/m', status: 'completed', durationMs: 5 }],
    })
    expect(JSON.stringify(lines)).not.toContain('secret')
  })

  it('calls for an operator when a provider refuses the account', () => {
    const { events, lines, trace } = setUp()
    const failure = new ProviderError({ kind: 'quota', workMayExist: false, publicMessage: 'no' })
    events.emit('attempt', attempt({ status: 'failed', failure }), trace)
    expect(lines).toMatchObject([{ level: 'error', kind: 'quota', configKey: 'fal/m' }])
  })

  it('tells an operator what kept the gateway from making a paid image ready', () => {
    const { events, lines, trace } = setUp()
    const fault = new GatewayError('INTERNAL_ERROR', 'The disk is full.')
    events.emit('attempt', attempt({ status: 'failed', fault }), trace)
    expect(lines).toMatchObject([{ level: 'error', fault: 'The disk is full.' }])
  })

  it('keeps the stack of what should not have happened', () => {
    const { events, lines, trace } = setUp()
    events.emit('attempt', attempt({ status: 'failed', unexpected: new TypeError('oh') }), trace)
    expect(lines).toMatchObject([
      { level: 'error', stack: expect.stringContaining('TypeError: oh') },
    ])
  })
})
