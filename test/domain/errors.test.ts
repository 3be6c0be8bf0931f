import { describe, expect, it } from 'vitest'
import { FAILURE_RULES, GATEWAY_ERRORS } from '#src/domain/errors.ts'

describe('the error tables', () => {
  it('say for every failure kind whether another offering is tried and whom it counts against', () => {
    const rows = Object.entries(FAILURE_RULES).map(([kind, rule]) => [
      kind,
      rule.failover,
      rule.countsAgainstProvider,
      rule.effect,
    ])
    expect(rows).toEqual([
      ['rate_limited', 'yes', false, 'cool_down'],
      ['overloaded', 'yes', true, 'none'],
      ['network', 'yes', true, 'none'],
      ['bad_response', 'yes', true, 'none'],
      ['empty_result', 'yes', true, 'none'],
      ['timeout', 'yes', true, 'none'],
      ['auth', 'yes', false, 'take_out'],
      ['quota', 'yes', false, 'take_out'],
      ['content_rejected', 'moderation_policy', false, 'none'],
      ['bad_request', 'no', false, 'none'],
      ['cancelled', 'no', false, 'none'],
    ])
  })

  it("give every client code the contract's status and type", () => {
    const rows = Object.entries(GATEWAY_ERRORS).map(([code, { status, type }]) => [
      code,
      status,
      type,
    ])
    expect(rows).toEqual([
      ['AUTHENTICATION_FAILED', 401, 'authentication_error'],
      ['INSUFFICIENT_BALANCE', 402, 'insufficient_quota'],
      ['INVALID_REQUEST', 400, 'invalid_request_error'],
      ['CONTENT_POLICY_VIOLATION', 400, 'invalid_request_error'],
      ['MODEL_NOT_FOUND', 404, 'invalid_request_error'],
      ['MODEL_DISABLED', 404, 'invalid_request_error'],
      ['NOT_FOUND', 404, 'invalid_request_error'],
      ['RATE_LIMITED', 429, 'rate_limit_error'],
      ['UPSTREAM_ERROR', 502, 'upstream_error'],
      ['ALL_PROVIDERS_EXHAUSTED', 502, 'upstream_error'],
      ['TIMEOUT', 504, 'upstream_error'],
      ['OVERLOADED', 503, 'server_error'],
      ['INTERNAL_ERROR', 500, 'server_error'],
    ])
  })
})
