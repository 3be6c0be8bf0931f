import { describe, expect, it } from 'vitest'
import { classifyEndedPrediction, classifyError } from '#providers/replicate/errors.ts'
import type { UpstreamFailure } from '#src/domain/provider-adapter.ts'

const answer = (
  status: number,
  body?: unknown,
  headers: Record<string, string> = {},
): UpstreamFailure => ({ status, headers, body, requestLeft: true })

const INVALID = {
  title: 'Input validation failed',
  detail: '- input.aspect_ratio: aspect_ratio must be one of the following\n',
  status: 422,
  invalid_fields: [{ type: 'enum', field: 'input.aspect_ratio', description: 'must be one of' }],
}

describe('classifyError of Replicate', () => {
  it.each<[string, UpstreamFailure, object]>([
    [
      'a bad token',
      answer(401, { title: 'Unauthenticated', detail: 'x', status: 401 }),
      { kind: 'auth' },
    ],
    [
      'no credit',
      answer(402, { title: 'Insufficient credit', detail: 'x', status: 402 }),
      { kind: 'quota' },
    ],
    ['an unknown model', answer(404, { detail: 'x', status: 404 }), { kind: 'bad_response' }],
    ['an invalid field', answer(422, INVALID), { kind: 'bad_request', param: 'aspect_ratio' }],
    [
      'an invalid field in the text only',
      answer(422, { detail: INVALID.detail }),
      { kind: 'bad_request', param: 'aspect_ratio' },
    ],
    [
      'an invalid version',
      answer(422, { title: 'Invalid version or not permitted', detail: 'x' }),
      { kind: 'bad_response' },
    ],
    [
      'a throttle with seconds in the body',
      answer(429, {
        detail: 'Request was throttled. Your rate limit resets in ~5s.',
        status: 429,
        retry_after: 5,
      }),
      { kind: 'rate_limited', retryAfterMs: 5_000 },
    ],
    [
      'a throttle with seconds in the text only',
      answer(429, { detail: 'Request was throttled. Your rate limit resets in ~5s.' }),
      { kind: 'rate_limited', retryAfterMs: 5_000 },
    ],
    [
      'a throttle with a fraction',
      answer(429, { retry_after: 0.25 }),
      { kind: 'rate_limited', retryAfterMs: 250 },
    ],
    [
      'a throttle with a header',
      answer(429, '', { 'retry-after': '9' }),
      { kind: 'rate_limited', retryAfterMs: 9_000 },
    ],
    ['its own 500', answer(500, { detail: 'Internal server error' }), { kind: 'overloaded' }],
    ['a bare 502', answer(502, '<html>'), { kind: 'overloaded', workMayExist: true }],
    ['a 503', answer(503), { kind: 'overloaded' }],
    ['a body that is too large', answer(413), { kind: 'bad_request' }],
  ])('classifies %s', (_name, failure, expected) => {
    expect(classifyError(failure).details).toMatchObject({
      workMayExist: false,
      ...expected,
      upstreamStatus: failure.status,
    })
  })
})

describe('classifyEndedPrediction', () => {
  it.each([
    [
      'The input or output was flagged as sensitive. Please try again with different inputs. (E005) (abc)',
      'content_rejected',
      true,
    ],
    ['NSFW content detected.', 'content_rejected', true],
    ['Out of credit at the maker (E001)', 'overloaded', false],
    ['Key refused (E002)', 'overloaded', false],
    ['Service is currently unavailable due to high demand. (E003)', 'overloaded', false],
    ['Service is temporarily unavailable. (E004)', 'overloaded', false],
    ['Prediction interrupted; please retry (code: PA)', 'overloaded', true],
    ['Out of memory (E1001)', 'overloaded', true],
    ['Prediction failed to start in time (E6716)', 'overloaded', false],
    ['Director: unexpected error handling prediction (E8765)', 'overloaded', true],
    ['Director: unexpected error handling prediction (E9828)', 'overloaded', true],
    ['Unknown error (E1000)', 'bad_response', true],
    ['list index out of range', 'bad_response', true],
    ['E1001: out of memory', 'overloaded', true],
    ['Your request was rejected as a result of our safety system.', 'content_rejected', true],
    ['Image safety filter unavailable', 'bad_response', true],
    ['Sensitive information service is down', 'bad_response', true],
    ['No key for region PA was found', 'bad_response', true],
    ['Weights E005 could not be loaded', 'bad_response', true],
    [null, 'bad_response', true],
  ])('reads the error %j as %s', (error, kind, workMayExist) => {
    const { details } = classifyEndedPrediction({ id: 'p1', status: 'failed', error })
    expect(details).toMatchObject({ kind, workMayExist, providerRequestId: 'p1' })
    expect(details.publicMessage).not.toMatch(/please|index|abc/i)
  })

  it.each([
    ['aborted', false],
    ['canceled', true],
  ])('reads %s as a time-out', (status, workMayExist) => {
    expect(classifyEndedPrediction({ id: 'p1', status }).details).toEqual({
      kind: 'timeout',
      workMayExist,
      publicMessage: 'Replicate stopped the prediction before it was done',
      providerRequestId: 'p1',
    })
  })
})
