import { describe, expect, it } from 'vitest'
import {
  GATEWAY_ERRORS,
  GatewayError,
  type GatewayErrorCode,
  type GatewayErrorOptions,
} from '#src/domain/errors.ts'
import { toErrorAnswer, toGatewayError } from '#src/http/error-answer.ts'

type Hints = readonly [shouldRetry: string, seconds?: string, milliseconds?: string]

const hintsOf = (error: GatewayError) => {
  const { headers } = toErrorAnswer(error)
  return [headers['x-should-retry'], headers['retry-after'], headers['retry-after-ms']]
}

const BY_CODE: Readonly<Record<GatewayErrorCode, Hints>> = {
  AUTHENTICATION_FAILED: ['false'],
  INSUFFICIENT_BALANCE: ['false'],
  INVALID_REQUEST: ['false'],
  CONTENT_POLICY_VIOLATION: ['false'],
  MODEL_NOT_FOUND: ['false'],
  MODEL_DISABLED: ['false'],
  NOT_FOUND: ['false'],
  RATE_LIMITED: ['true', '1', '1000'],
  UPSTREAM_ERROR: ['false'],
  ALL_PROVIDERS_EXHAUSTED: ['false'],
  TIMEOUT: ['false'],
  OVERLOADED: ['true', '1', '1000'],
  INTERNAL_ERROR: ['false'],
}

describe('retry hints', () => {
  it('are known for every code', () => {
    expect(Object.keys(BY_CODE).sort()).toEqual(Object.keys(GATEWAY_ERRORS).sort())
  })

  it.each(Object.entries(BY_CODE))('of %s', (code, [shouldRetry, seconds, milliseconds]) => {
    const error = new GatewayError(code as GatewayErrorCode, 'm')
    expect(hintsOf(error)).toEqual([shouldRetry, seconds, milliseconds])
  })

  it.each<[string, GatewayErrorCode, GatewayErrorOptions, Hints]>([
    ['a time that is known', 'RATE_LIMITED', { retryAfterMs: 4_200 }, ['true', '5', '4200']],
    [
      'the longest wait that clients obey',
      'RATE_LIMITED',
      { retryAfterMs: 60_000 },
      ['true', '60', '60000'],
    ],
    [
      'a wait that clients would not keep',
      'RATE_LIMITED',
      { retryAfterMs: 90_000 },
      ['false', '90', '90000'],
    ],
    [
      'a forced provider that was only overloaded',
      'UPSTREAM_ERROR',
      { isRetryable: true },
      ['true', '1', '1000'],
    ],
    ['an error that is not mended by a retry', 'OVERLOADED', { isRetryable: false }, ['false']],
    ['an upload that stalled', 'INVALID_REQUEST', { status: 408 }, ['true', '1', '1000']],
    ['a body that is too large', 'INVALID_REQUEST', { status: 413 }, ['false']],
  ])('tell %s', (_what, code, options, [shouldRetry, seconds, milliseconds]) => {
    expect(hintsOf(new GatewayError(code, 'm', options))).toEqual([
      shouldRetry,
      seconds,
      milliseconds,
    ])
  })
})

describe('an error as it is sent', () => {
  it('is the error object with its own headers', () => {
    const options = { param: 'size', status: 405, headers: { allow: 'POST' } }
    expect(toErrorAnswer(new GatewayError('INVALID_REQUEST', 'm', options))).toEqual({
      status: 405,
      headers: { 'x-should-retry': 'false', allow: 'POST' },
      body: {
        error: {
          message: 'm',
          type: 'invalid_request_error',
          param: 'size',
          code: 'INVALID_REQUEST',
        },
      },
    })
  })

  it.each([
    [new Error('secret path /etc')],
    ['a text'],
    [undefined],
    [Object.assign(new Error('x'), { statusCode: 503 })],
  ])('tells nothing of what is not known to be public: %s', (thrown) => {
    expect(toGatewayError(thrown)).toMatchObject({
      code: 'INTERNAL_ERROR',
      message: 'Something went wrong inside the gateway.',
    })
  })
})
