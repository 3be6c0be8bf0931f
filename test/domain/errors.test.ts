import { describe, expect, it } from 'vitest'
import {
  FAILURE_RULES,
  failureStatusOf,
  GATEWAY_ERRORS,
  type GatewayErrorCode,
} from '#src/domain/errors.ts'

describe('the error tables', () => {
  it('say for every failure kind whether another offering is tried and what is learnt', () => {
    const rows = Object.entries(FAILURE_RULES).map(([kind, rule]) => [
      kind,
      rule.failover,
      rule.outcome,
      rule.takesOut,
    ])
    expect(rows).toEqual([
      ['rate_limited', 'yes', 'rate_limited', false],
      ['overloaded', 'yes', 'outage', false],
      ['network', 'yes', 'outage', false],
      ['bad_response', 'yes', 'empty', false],
      ['empty_result', 'yes', 'empty', false],
      ['timeout', 'yes', 'timeout', false],
      ['auth', 'yes', 'answered', true],
      ['quota', 'yes', 'answered', true],
      ['content_rejected', 'moderation_policy', 'refused', false],
      ['bad_request', 'no', 'answered', false],
      ['cancelled', 'no', 'abandoned', false],
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

  it('log as failed what providers or the gateway itself failed with, and the rest as rejected', () => {
    const codes = Object.keys(GATEWAY_ERRORS) as GatewayErrorCode[]
    expect(codes.filter((code) => failureStatusOf(code) !== 'rejected')).toEqual([
      'UPSTREAM_ERROR',
      'ALL_PROVIDERS_EXHAUSTED',
      'TIMEOUT',
      'INTERNAL_ERROR',
    ])
  })
})
