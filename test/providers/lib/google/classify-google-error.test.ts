import { describe, expect, it } from 'vitest'
import { classifyGoogleError } from '#providers/lib/google/classify-google-error.ts'
import type { UpstreamFailure } from '#src/domain/provider-adapter.ts'

const answer = (
  status: number,
  body?: unknown,
  headers: Record<string, string> = {},
): UpstreamFailure => ({ status, headers, body, requestLeft: true })

const error = (code: number, status: string, message: string, details?: unknown[]) => ({
  error: { code, message, status, ...(details && { details }) },
})

const API_KEY_INVALID = error(
  400,
  'INVALID_ARGUMENT',
  'API key not valid. Please pass a valid API key.',
  [
    {
      '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
      reason: 'API_KEY_INVALID',
      domain: 'googleapis.com',
      metadata: { service: 'generativelanguage.googleapis.com' },
    },
    {
      '@type': 'type.googleapis.com/google.rpc.LocalizedMessage',
      locale: 'en-US',
      message: 'API key not valid. Please pass a valid API key.',
    },
  ],
)

const quotaFailure = (quotaId: string, retryDelay?: string) =>
  error(429, 'RESOURCE_EXHAUSTED', 'You exceeded your current quota.', [
    {
      '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
      violations: [{ quotaId, quotaValue: '10' }],
    },
    { '@type': 'type.googleapis.com/google.rpc.Help', links: [] },
    ...(retryDelay ? [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay }] : []),
  ])

const UNKNOWN_NAME = error(
  400,
  'INVALID_ARGUMENT',
  `Invalid JSON payload received. Unknown name "imageOutputOptions" at 'generation_config.image_config': Cannot find field.`,
)

describe('classifyGoogleError', () => {
  it.each<[string, UpstreamFailure, object]>([
    ['an invalid key', answer(400, API_KEY_INVALID), { kind: 'auth' }],
    [
      'an expired key',
      answer(400, error(400, 'INVALID_ARGUMENT', 'API key expired. Please renew the API key.')),
      { kind: 'auth' },
    ],
    [
      'no key',
      answer(403, error(403, 'PERMISSION_DENIED', "Method doesn't allow unregistered callers")),
      { kind: 'auth' },
    ],
    [
      'a leaked key',
      answer(403, error(403, 'PERMISSION_DENIED', 'Your API key was reported as leaked.')),
      { kind: 'auth' },
    ],
    [
      'no valid token',
      answer(401, error(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.')),
      { kind: 'auth' },
    ],
    [
      'a project without billing',
      answer(
        403,
        error(403, 'PERMISSION_DENIED', 'Enable billing.', [{ reason: 'BILLING_DISABLED' }]),
      ),
      { kind: 'quota' },
    ],
    [
      'an unsupported location',
      answer(
        400,
        error(400, 'FAILED_PRECONDITION', 'User location is not supported for the API use.'),
      ),
      { kind: 'auth' },
    ],
    [
      'credit that is used up',
      answer(402, error(402, 'RESOURCE_EXHAUSTED', 'Your prepayment credits are depleted.')),
      { kind: 'quota' },
    ],
    [
      'a quota with a delay',
      answer(429, quotaFailure('GenerateRequestsPerMinutePerProjectPerModel', '26s')),
      { kind: 'rate_limited', retryAfterMs: 26_000 },
    ],
    [
      'a delay with a fraction',
      answer(429, quotaFailure('GenerateRequestsPerMinutePerProjectPerModel', '0.5s')),
      { kind: 'rate_limited', retryAfterMs: 500 },
    ],
    [
      'a daily quota',
      answer(429, quotaFailure('GenerateRequestsPerDayPerProjectPerModel', '26s')),
      { kind: 'quota' },
    ],
    [
      'a free tier quota',
      answer(429, quotaFailure('GenerateContentInputTokensPerModelPerMinute-FreeTier')),
      { kind: 'quota' },
    ],
    [
      'a quota without details',
      answer(
        429,
        error(429, 'RESOURCE_EXHAUSTED', 'Resource has been exhausted (e.g. check quota).'),
      ),
      { kind: 'rate_limited' },
    ],
    [
      'a shared quota at Vertex',
      answer(429, error(429, 'RESOURCE_EXHAUSTED', 'Resource exhausted. Please try again later.')),
      { kind: 'rate_limited' },
    ],
    [
      'a 429 with a header',
      answer(429, undefined, { 'retry-after': '3' }),
      { kind: 'rate_limited', retryAfterMs: 3_000 },
    ],
    [
      'an overload',
      answer(503, error(503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.')),
      { kind: 'overloaded', workMayExist: false },
    ],
    [
      'an internal error',
      answer(500, error(500, 'INTERNAL', 'An internal error has occurred.')),
      { kind: 'overloaded', workMayExist: false },
    ],
    ['a bare 502', answer(502, '<html>'), { kind: 'overloaded', workMayExist: true }],
    [
      'a passed deadline',
      answer(504, error(504, 'DEADLINE_EXCEEDED', 'Deadline exceeded.')),
      { kind: 'timeout', workMayExist: true },
    ],
    [
      'a retired model',
      answer(404, error(404, 'NOT_FOUND', 'models/x is not found for API version v1beta')),
      { kind: 'bad_response', workMayExist: false },
    ],
    [
      'an unknown field',
      answer(400, UNKNOWN_NAME),
      { kind: 'bad_request', param: 'imageOutputOptions' },
    ],
    [
      'an invalid value',
      answer(
        400,
        error(
          400,
          'INVALID_ARGUMENT',
          "Invalid value at 'generation_config.image_config.aspect_ratio' (TYPE_STRING)",
        ),
      ),
      { kind: 'bad_request', param: 'generation_config.image_config.aspect_ratio' },
    ],
    [
      'a field violation',
      answer(
        400,
        error(400, 'INVALID_ARGUMENT', 'Bad.', [
          { fieldViolations: [{ field: 'generation_config.seed', description: 'd' }] },
        ]),
      ),
      { kind: 'bad_request', param: 'generation_config.seed' },
    ],
    [
      'a request that names no field',
      answer(400, error(400, 'INVALID_ARGUMENT', 'Request contains an invalid argument.')),
      { kind: 'bad_request' },
    ],
    ['a request that is too large', answer(413), { kind: 'bad_request' }],
    ['an unknown status', answer(418), { kind: 'bad_response', workMayExist: false }],
  ])('classifies %s', (_name, failure, expected) => {
    const { details } = classifyGoogleError(failure, 'Gemini API')
    expect(details).toMatchObject({
      workMayExist: false,
      ...expected,
      upstreamStatus: failure.status,
    })
  })

  it('reads the error inside a list of one as well', () => {
    expect(classifyGoogleError(answer(400, [API_KEY_INVALID]), 'Gemini API').details).toEqual({
      kind: 'auth',
      workMayExist: false,
      upstreamStatus: 400,
      publicMessage: 'Gemini API does not accept the configured API key (INVALID_ARGUMENT)',
    })
  })

  it('gives no delay for a daily quota', () => {
    const failure = answer(429, quotaFailure('RequestsPerDay', '26s'))
    expect(classifyGoogleError(failure, 'Gemini API').details.retryAfterMs).toBeUndefined()
  })

  it('names a canonical code and nothing else of the answer', () => {
    const leaky = error(400, 'secret-in-status', 'prompt text https://host/?key=k')
    expect(classifyGoogleError(answer(400, leaky), 'Gemini API').message).toBe(
      'Gemini API answered with status 400',
    )
  })

  it('does not repeat a field name that could be text', () => {
    const failure = answer(400, error(400, 'INVALID_ARGUMENT', 'Unknown name "a secret wish" at x'))
    expect(classifyGoogleError(failure, 'Gemini API').details).not.toHaveProperty('param')
  })

  it.each([
    [{ networkCode: 'ECONNREFUSED', requestLeft: false }, 'network', false],
    [{ networkCode: 'ECONNRESET', requestLeft: true }, 'network', true],
    [{ networkCode: 'TIMED_OUT', requestLeft: true }, 'timeout', true],
  ])('classifies %j without an answer', (failure, kind, workMayExist) => {
    const { details } = classifyGoogleError({ headers: {}, ...failure }, 'Gemini API')
    expect(details).toMatchObject({ kind, workMayExist })
  })
})
