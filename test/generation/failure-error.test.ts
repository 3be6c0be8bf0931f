import { describe, expect, it } from 'vitest'
import { type FailureKind, ProviderError, type ProviderErrorDetails } from '#src/domain/errors.ts'
import { failureError } from '#src/generation/failure-error.ts'
import type { Attempt } from '#src/routing/attempt.ts'
import { createFirstCatalog, FIRST_MODEL } from '#test/helpers/models.ts'

const attempt = (
  provider: string,
  kind: FailureKind,
  details: Partial<ProviderErrorDetails> = {},
): Attempt => ({
  id: 'a',
  provider,
  configKey: `${provider}/${FIRST_MODEL}`,
  status: 'failed',
  failure: new ProviderError({
    kind,
    workMayExist: false,
    publicMessage: `${kind} here`,
    ...details,
  }),
  count: 1,
  begunMs: 0,
  durationMs: 5,
  providerMs: 5,
  cost: 0,
})

const errorOf = (
  attempts: Attempt[],
  part: {
    model?: string
    isDeadlinePassed?: boolean
    isTimeTooShort?: boolean
    retryAfterMs?: number
  } = {},
) =>
  failureError({
    resolved: createFirstCatalog().resolve(part.model ?? FIRST_MODEL),
    attempts,
    isDeadlinePassed: part.isDeadlinePassed ?? false,
    isTimeTooShort: part.isTimeTooShort ?? false,
    areAllLimited: attempts.length === 0 && part.retryAfterMs !== undefined,
    ...(part.retryAfterMs !== undefined && { retryAfterMs: part.retryAfterMs }),
  })

describe('what a client sees when no image came', () => {
  it('is a refusal that names who refused', () => {
    expect(
      errorOf([attempt('gemini', 'overloaded'), attempt('fal', 'content_rejected')]),
    ).toMatchObject({
      code: 'CONTENT_POLICY_VIOLATION',
      status: 400,
      message: expect.stringContaining('fal'),
    })
  })

  it("is a bad request under the client's own name of the field", () => {
    expect(errorOf([attempt('fal', 'bad_request', { param: 'image_urls' })])).toMatchObject({
      code: 'INVALID_REQUEST',
      options: { param: 'image' },
    })
  })

  it('is a rate limit with the time until the first pause ends when nothing else happened', () => {
    const limited = [
      attempt('gemini', 'rate_limited', { retryAfterMs: 9000 }),
      attempt('fal', 'rate_limited', { retryAfterMs: 4000 }),
    ]
    expect(errorOf(limited, { retryAfterMs: 4000 })).toMatchObject({
      code: 'RATE_LIMITED',
      status: 429,
      options: { retryAfterMs: 4000 },
    })
    expect(errorOf([...limited, attempt('vertex', 'overloaded')]).code).toBe(
      'ALL_PROVIDERS_EXHAUSTED',
    )
  })

  it('is a rate limit when nobody was asked, as all are cooling down', () => {
    expect(errorOf([], { retryAfterMs: 7000 })).toMatchObject({
      code: 'RATE_LIMITED',
      options: { retryAfterMs: 7000 },
    })
  })

  it('is the deadline when that ended it', () => {
    expect(errorOf([attempt('gemini', 'timeout')], { isDeadlinePassed: true })).toMatchObject({
      code: 'TIMEOUT',
      status: 504,
    })
    expect(errorOf([], { isDeadlinePassed: true }).message).toContain('nothing')
  })

  it('does not say that the deadline passed while time is left', () => {
    const error = errorOf([attempt('gemini', 'timeout')], { isTimeTooShort: true })
    expect([error.code, error.message]).toEqual([
      'TIMEOUT',
      "No provider is likely to finish in the time that is left until the request's deadline. " +
        `Tried: gemini/${FIRST_MODEL} (timeout: timeout here).`,
    ])
  })

  it('is the failures when none of them was for want of time, however little is left', () => {
    const error = errorOf([attempt('gemini', 'overloaded')], { isTimeTooShort: true })
    expect([error.code, error.message]).toEqual([
      'ALL_PROVIDERS_EXHAUSTED',
      'Every provider that was likely to finish in time failed: ' +
        `gemini/${FIRST_MODEL} (overloaded: overloaded here).`,
    ])
    const forced = { model: `gemini/${FIRST_MODEL}`, isTimeTooShort: true }
    expect(errorOf([attempt('gemini', 'overloaded')], forced).code).toBe('UPSTREAM_ERROR')
  })

  it.each([
    [503, 503],
    [404, 502],
    [undefined, 502],
  ])('is the status %s of a forced provider as %s', (upstreamStatus, status) => {
    const failed = attempt(
      'fal',
      'bad_response',
      upstreamStatus === undefined ? {} : { upstreamStatus },
    )
    expect(errorOf([failed], { model: `fal/${FIRST_MODEL}` })).toMatchObject({
      code: 'UPSTREAM_ERROR',
      status,
    })
  })

  it.each<[FailureKind, Partial<ProviderErrorDetails>, boolean]>([
    ['overloaded', {}, true],
    ['network', {}, true],
    ['overloaded', { workMayExist: true }, false],
    ['network', { workMayExist: true }, false],
    ['timeout', { workMayExist: true }, false],
    ['empty_result', {}, false],
    ['bad_response', {}, false],
    ['auth', {}, false],
    ['quota', {}, false],
  ])('of a forced provider may be asked again after %s %j: %s', (kind, details, isRetryable) => {
    const error = errorOf([attempt('fal', kind, details)], { model: `fal/${FIRST_MODEL}` })
    expect([error.code, error.options.isRetryable]).toEqual(['UPSTREAM_ERROR', isRetryable])
  })

  it('is not worth asking again once every provider was tried', () => {
    const error = errorOf([attempt('gemini', 'overloaded'), attempt('fal', 'network')])
    expect([error.code, error.options.isRetryable]).toEqual(['ALL_PROVIDERS_EXHAUSTED', undefined])
  })
})
