import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { GatewayError, ProviderError } from '#src/domain/errors.ts'
import { createDecisionTrace } from '#src/generation/decision-trace.ts'
import { createGenerationEvents } from '#src/generation/events.ts'
import type { Attempt } from '#src/routing/attempt.ts'
import { selectCandidates } from '#src/routing/candidates.ts'
import { createLogger } from '#src/telemetry/logger.ts'
import { logRequestEvents } from '#src/telemetry/request-events.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { createFirstCatalog, FIRST_MODEL, imageRequest } from '#test/helpers/models.ts'

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
  configKey: `fal/${FIRST_MODEL}`,
  status: 'completed',
  count: 1,
  begunMs: 0,
  durationMs: 5,
  providerMs: 5,
  cost: 80_000,
  ...part,
})

const candidates = () => {
  const resolved = createFirstCatalog().resolve(FIRST_MODEL)
  return selectCandidates(resolved, imageRequest(), new Set(['gemini', 'fal'])).candidates
}

describe('the log', () => {
  it('cuts what a client calls its user as the request log does', () => {
    const { events, lines, trace } = setUp()
    const ended = { trace, status: 'completed', durationMs: 7, cost: 0, images: 1 } as const
    for (const user of ['u'.repeat(900_000), { not: 'a name' }]) {
      events.emit('request', { ...ended, request: imageRequest({ parameters: { user } }) })
    }
    const users = lines.filter(({ msg }) => msg === 'request').map(({ user }) => user)
    expect(users).toEqual(['u'.repeat(512), undefined])
  })

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
      attempts: [{ configKey: `fal/${FIRST_MODEL}`, status: 'completed', durationMs: 5 }],
    })
    expect(JSON.stringify(lines)).not.toContain('secret')
  })

  it('calls for an operator when a provider refuses the account', () => {
    const { events, lines, trace } = setUp()
    const failure = new ProviderError({ kind: 'quota', workMayExist: false, publicMessage: 'no' })
    events.emit('attempt', attempt({ status: 'failed', failure }), trace)
    expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
      ['error', expect.stringContaining('check its key and balance')],
      ['debug', 'attempt'],
    ])
    expect(lines[0]).toMatchObject({ kind: 'quota', configKey: `fal/${FIRST_MODEL}` })
  })

  it('tells an operator what kept the gateway from making a paid image ready', () => {
    const { events, lines, trace } = setUp()
    const fault = new GatewayError('INTERNAL_ERROR', 'The disk is full.')
    events.emit('attempt', attempt({ status: 'failed', fault }), trace)
    expect(lines[0]).toMatchObject({ level: 'error', fault: 'The disk is full.' })
  })

  it('keeps the stack of what should not have happened', () => {
    const { events, lines, trace } = setUp()
    events.emit('attempt', attempt({ status: 'failed', unexpected: new TypeError('oh') }), trace)
    expect(lines[0]).toMatchObject({
      level: 'error',
      stack: expect.stringContaining('TypeError: oh'),
    })
  })

  it('has a line for each attempt at level debug, with all that routing learnt and chose from', () => {
    const { events, lines, trace } = setUp()
    const failure = new ProviderError({
      kind: 'rate_limited',
      workMayExist: false,
      publicMessage: 'Too many.',
      retryAfterMs: 2_000,
    })
    const ended = attempt({ status: 'failed', failure, begunMs: 1_000, providerMs: 4, cost: 0 })
    events.emit('attempt', ended, trace, candidates())
    expect(lines).toEqual([
      {
        level: 'debug',
        time: expect.any(String),
        requestId: 'req_test',
        provider: 'fal',
        configKey: `fal/${FIRST_MODEL}`,
        status: 'failed',
        kind: 'rate_limited',
        durationMs: 5,
        costUsd: 0,
        model: FIRST_MODEL,
        mode: 'text_to_image',
        tier: '1K',
        outcome: 'rate_limited',
        retryAfterMs: 2_000,
        begunMs: 1_000,
        providerMs: 4,
        candidates: [
          {
            provider: 'gemini',
            configKey: `gemini/${FIRST_MODEL}`,
            tier: '1K',
            priceMicroUsd: 67_000,
            shortcomings: 0,
          },
          {
            provider: 'fal',
            configKey: `fal/${FIRST_MODEL}`,
            tier: '1K',
            priceMicroUsd: 80_000,
            shortcomings: 0,
          },
        ],
        msg: 'attempt',
      },
    ])
  })

  it('has no outcome of an attempt that routing did not choose', () => {
    const { events, lines, trace } = setUp()
    events.emit('attempt', attempt(), trace)
    expect(lines).toEqual([
      {
        level: 'debug',
        time: expect.any(String),
        requestId: 'req_test',
        provider: 'fal',
        configKey: `fal/${FIRST_MODEL}`,
        status: 'completed',
        durationMs: 5,
        costUsd: 0.08,
        msg: 'attempt',
      },
    ])
  })
})
