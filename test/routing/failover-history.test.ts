import { describe, expect, it } from 'vitest'
import type { FailureKind } from '#src/domain/errors.ts'
import type { Attempt } from '#src/routing/attempt.ts'
import { historyAfter } from '#src/routing/failover.ts'
import type { RoutingPolicy } from '#src/routing/policy.ts'
import { NO_HISTORY } from '#src/routing/rank-options.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { fail, fourCandidates, freshRouting, run } from './failover-harness.ts'

/** An attempt that failed in this way; `undefined`: one that did not. */
const attempt = (provider: string, kind?: FailureKind): Attempt => ({
  id: provider,
  provider,
  configKey: `${provider}/${FIRST_MODEL}`,
  status: kind ? 'failed' : 'completed',
  ...(kind && { failure: fail(kind, { workMayExist: true }) }),
  count: 1,
  begunMs: 0,
  durationMs: 0,
  providerMs: 0,
  cost: 0,
})

const historyLeft = (attempts: readonly Attempt[], policy: Partial<RoutingPolicy> = {}) =>
  historyAfter(attempts, fourCandidates(), freshRouting(policy))

const tryOf = (provider: string, part: object = {}) => ({
  provider,
  isRateLimited: false,
  isFinal: false,
  ...part,
})

const ONE_OTHER = { moderationFailover: 'one_other' } as const

describe('what earlier attempts leave of a request', () => {
  it('is everything when none failed', () => {
    expect(historyLeft([])).toEqual(NO_HISTORY)
    expect(historyLeft([attempt('fal')])).toEqual(NO_HISTORY)
  })

  it('is one try less at each provider that failed, however many attempts ran there side by side', () => {
    const attempts = [
      attempt('fal', 'network'),
      attempt('fal', 'timeout'),
      attempt('replicate', 'quota'),
      attempt('gemini'),
      attempt('unknown', 'rate_limited'),
    ]
    expect(historyLeft(attempts)).toEqual({
      tries: [
        tryOf('fal'),
        tryOf('replicate', { isFinal: true }),
        tryOf('unknown', { isRateLimited: true }),
      ],
    })
  })

  it.each([
    ['the request itself is wrong', [attempt('fal', 'bad_request')], {}],
    ['the client has left', [attempt('fal', 'cancelled')], {}],
    ['it was refused', [attempt('fal'), attempt('fal', 'content_rejected')], {}],
    [
      'two refused it',
      [attempt('fal', 'content_rejected'), attempt('replicate', 'content_rejected')],
      ONE_OTHER,
    ],
    ['it may have been paid for', [attempt('fal', 'timeout')], { ambiguous: 'stop' } as const],
  ])('is nothing when %s', (_what, attempts, policy) => {
    expect(historyLeft(attempts, policy)).toBeUndefined()
  })

  it('is one other provider when one refused it', async () => {
    const attempts = [attempt('gemini', 'content_rejected'), attempt('gemini', 'content_rejected')]
    const history = historyLeft(attempts, ONE_OTHER)
    expect(history).toEqual({ tries: [tryOf('gemini')], refusedBy: 'gemini' })
    const { calls, items } = await run(
      async () => {
        throw fail('content_rejected')
      },
      { policy: ONE_OTHER, ...(history && { history }) },
    )
    expect([calls, items]).toEqual([['fal 1'], []])
  })

  it('is nobody where only the first choice may be asked, and it was', async () => {
    const history = historyLeft([attempt('fal', 'network')])
    const preferences = { allowFallbacks: false }
    const { calls, stop } = await run(async () => ['image'], {
      preferences,
      ...(history && { history }),
    })
    expect([calls, stop?.reason]).toEqual([[], 'exhausted'])
  })
})
