import { describe, expect, it } from 'vitest'
import { classifyAtSubmit, classifyError, classifyFailedJob } from '#providers/fal/errors.ts'
import type { UpstreamFailure } from '#src/domain/provider-adapter.ts'

const answer = (
  status: number,
  body?: unknown,
  headers: Record<string, string> = {},
): UpstreamFailure => ({ status, headers, body, requestLeft: true })

const modelError = (type: string, loc: (string | number)[] = ['body', 'prompt']) => ({
  detail: [
    {
      loc,
      msg: 'a message',
      type,
      url: 'https://docs.fal.ai/errors',
      ctx: {},
      input: 'secret prompt',
    },
  ],
})
const platformError = (errorType: string) => ({ detail: 'a message', error_type: errorType })

const LOCKED = {
  detail:
    'User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing.',
}

describe('classifyError of fal', () => {
  it.each<[string, UpstreamFailure, object]>([
    ['a bad key', answer(401, { detail: 'Invalid key' }), { kind: 'auth' }],
    ['an exhausted balance', answer(403, LOCKED), { kind: 'quota' }],
    ['any other 403', answer(403, { detail: 'Forbidden' }), { kind: 'auth' }],
    ['a 402', answer(402), { kind: 'quota' }],
    ['an unknown model', answer(404, { status: 'NOT_FOUND' }), { kind: 'bad_response' }],
    [
      'too many concurrent requests',
      answer(
        429,
        { detail: 'slow', error_type: 'concurrent_requests_limit' },
        { 'retry-after': '2' },
      ),
      { kind: 'rate_limited', retryAfterMs: 2_000 },
    ],
    ['a bare 429', answer(429, { detail: 'slow' }), { kind: 'rate_limited' }],
    ['a bare 503', answer(503, '<html>'), { kind: 'overloaded', workMayExist: false }],
    ['a bare 504', answer(504, '<html>'), { kind: 'overloaded', workMayExist: true }],
    [
      'an internal error of a model',
      answer(500, modelError('internal_server_error')),
      { kind: 'overloaded' },
    ],
    [
      'a generation that took too long',
      answer(504, modelError('generation_timeout')),
      { kind: 'timeout' },
    ],
    [
      'a service behind the model',
      answer(400, modelError('downstream_service_error')),
      { kind: 'overloaded' },
    ],
    [
      'a refusal',
      answer(422, modelError('content_policy_violation')),
      { kind: 'content_rejected', workMayExist: true },
    ],
    [
      'no media',
      answer(422, modelError('no_media_generated')),
      { kind: 'empty_result', workMayExist: true },
    ],
    [
      'a wrong value',
      answer(422, modelError('one_of', ['body', 'aspect_ratio'])),
      { kind: 'bad_request', param: 'aspect_ratio' },
    ],
    [
      'a wrong list entry',
      answer(422, modelError('string_type', ['body', 'image_urls', 0])),
      { kind: 'bad_request', param: 'image_urls' },
    ],
    [
      'an unreadable image',
      answer(422, modelError('image_load_error', ['body', 'image_urls'])),
      { kind: 'bad_request', param: 'image' },
    ],
    [
      'a file that cannot be fetched',
      answer(422, modelError('file_download_error')),
      { kind: 'bad_request', param: 'image' },
    ],
    [
      'a wrong body as a whole',
      answer(422, modelError('missing', ['body'])),
      { kind: 'bad_request' },
    ],
    [
      'a job that did not start in time',
      answer(504, platformError('request_timeout'), { 'x-fal-request-timeout-type': 'user' }),
      { kind: 'overloaded' },
    ],
    ['no runner', answer(503, platformError('runner_scheduling_failure')), { kind: 'overloaded' }],
    [
      'a runner that broke off',
      answer(502, platformError('runner_incomplete_response')),
      { kind: 'overloaded' },
    ],
    [
      'a type that only the header names',
      answer(500, undefined, { 'x-fal-error-type': 'runner_disconnected' }),
      { kind: 'overloaded', workMayExist: false },
    ],
    [
      'a platform complaint about the request',
      answer(400, platformError('bad_request')),
      { kind: 'bad_request' },
    ],
  ])('classifies %s', (_name, failure, expected) => {
    const { details } = classifyError(failure)
    expect(details).toMatchObject({
      workMayExist: false,
      ...expected,
      upstreamStatus: failure.status,
    })
    expect(details.publicMessage).not.toMatch(/secret prompt|a message|https:/)
  })

  it('says it in closed words', () => {
    const failure = answer(422, modelError('one_of', ['body', 'resolution']), {
      'x-fal-request-id': 'r-1',
    })
    expect(classifyError(failure).details).toEqual({
      kind: 'bad_request',
      workMayExist: false,
      publicMessage: 'fal.ai answered with status 422 (one_of); field: resolution',
      upstreamStatus: 422,
      param: 'resolution',
      providerRequestId: 'r-1',
    })
  })

  it('does not repeat a type that it does not know', () => {
    expect(classifyError(answer(500, platformError('the secret'))).message).toBe(
      'fal.ai answered with status 500',
    )
  })
})

describe('an error type that is a word of JavaScript', () => {
  it.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])(
    'is no type that is known: %s',
    (type) => {
      expect(classifyError(answer(422, modelError(type))).kind).toBe('bad_request')
      expect(classifyError(answer(503, platformError(type))).kind).toBe('overloaded')
      expect(classifyFailedJob({ requestId: 'r', errorType: type }).kind).toBe('overloaded')
    },
  )
})

describe('classifyAtSubmit', () => {
  it('bills nothing when the submit itself is refused', () => {
    const refusal = answer(422, modelError('content_policy_violation'))
    expect(classifyAtSubmit(refusal).details.workMayExist).toBe(false)
  })

  it('leaves it open whether a job exists after a bare 502', () => {
    expect(classifyAtSubmit(answer(502, '<html>')).details.workMayExist).toBe(true)
  })
})

describe('classifyFailedJob', () => {
  it('uses the type of the status when the result names none', () => {
    const { details } = classifyFailedJob(
      { requestId: 'r-1', errorType: 'runner_disconnected' },
      answer(503, { detail: 'gone' }),
    )
    expect(details).toMatchObject({
      kind: 'overloaded',
      workMayExist: false,
      providerRequestId: 'r-1',
    })
  })

  it('prefers the type of the result', () => {
    const { kind } = classifyFailedJob(
      { requestId: 'r-1', errorType: 'runner_server_error' },
      answer(422, modelError('content_policy_violation')),
    )
    expect(kind).toBe('content_rejected')
  })

  it('does without a result', () => {
    expect(
      classifyFailedJob({ requestId: 'r-1', errorType: 'generation_timeout' }).details,
    ).toEqual({
      kind: 'timeout',
      workMayExist: false,
      publicMessage: 'fal.ai accepted the job, which then failed (generation_timeout)',
      providerRequestId: 'r-1',
    })
    expect(classifyFailedJob({ requestId: 'r-1' }).details).toMatchObject({
      kind: 'overloaded',
      workMayExist: true,
    })
  })
})
