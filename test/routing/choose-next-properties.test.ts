import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FailureKind } from '#src/domain/errors.ts'
import { SORTS } from '#src/domain/image-request.ts'
import { chooseNext } from '#src/routing/choose-next.ts'
import { type ChainHistory, NO_HISTORY, withTry } from '#src/routing/rank-options.ts'
import {
  MINUTE,
  MODEL,
  optionAt,
  PROVIDERS,
  type Provider,
  SECOND,
  type World,
  watch,
} from './tracker-harness.ts'

const OUTCOMES = ['success', 'outage', 'timeout', 'empty', 'refused', 'abandoned'] as const

/** What has happened to one provider, in no particular order. */
const fateOf = (provider: Provider) =>
  fc.record({
    provider: fc.constant(provider),
    outcomes: fc.array(fc.constantFrom(...OUTCOMES), { maxLength: 12 }),
    isFull: fc.boolean(),
    isDown: fc.boolean(),
    hasProbe: fc.boolean(),
    pausedMs: fc.option(fc.integer({ min: 1, max: 90_000 })),
    isOut: fc.boolean(),
    isOffered: fc.boolean(),
    shortcomings: fc.nat(2),
  })
type Fate = typeof fateOf extends (provider: Provider) => fc.Arbitrary<infer T> ? T : never

const fates = fc
  .tuple(...PROVIDERS.map(fateOf))
  .filter((all) => all.some(({ isOffered }) => isOffered))
const preferences = fc.record(
  {
    sort: fc.constantFrom(...SORTS),
    order: fc.uniqueArray(fc.constantFrom(...PROVIDERS, 'nobody'), { minLength: 1 }),
    allowFallbacks: fc.boolean(),
  },
  { requiredKeys: [] },
)
const probe = fc.constantFrom('duplicate', 'live', 'off')

const live = (all: readonly Fate[], how: 'duplicate' | 'live' | 'off', unit: number): World => {
  const world = watch({ policy: { probe: how }, random: () => unit })
  for (const { provider, outcomes } of all) {
    for (const outcome of outcomes) world.attempt(provider, outcome, SECOND)
  }
  world.pass(SECOND)
  for (const { provider, isFull, isDown, hasProbe, pausedMs, isOut } of all) {
    if (isFull) world.fill(provider)
    if (isDown) world.takeForDown(provider)
    if (hasProbe) world.tracker.grantProbe(`${MODEL}:${provider}`, world.now())
    if (pausedMs !== null) world.pauseFor(provider, pausedMs)
    if (isOut) world.pauseFor(provider, MINUTE, 'taken_out')
  }
  return world
}
const offered = (all: readonly Fate[]) => all.filter(({ isOffered }) => isOffered)
const optionsOf = (all: readonly Fate[]) =>
  offered(all).map(({ provider, shortcomings }) => optionAt(provider, { shortcomings }))
const unit = fc.double({ min: 0, max: 0.999, noNaN: true })

describe('whatever state the providers are in', () => {
  it('a first choice is a try as long as one is not paused, and never "nothing is left"', () => {
    fc.assert(
      fc.property(
        fates,
        preferences,
        probe,
        unit,
        fc.integer({ min: 1, max: 300_000 }),
        (all, wishes, how, random, leftMs) => {
          const world = live(all, how, random)
          const options = optionsOf(all)
          const decision = chooseNext(
            world.situation({ options, preferences: wishes, leftMs, random: () => random }),
          )
          expect(decision.ranking).toHaveLength(options.length)
          const isFree = ({ pausedMs, isOut }: Fate) => pausedMs === null && !isOut
          const isLimited = ({ pausedMs, isOut }: Fate) => pausedMs !== null && !isOut
          const first = decision.ranking[0]?.option.cell.provider
          const eligible = offered(all).filter(
            ({ provider }) => wishes.allowFallbacks !== false || provider === first,
          )
          if (eligible.some(isFree)) expect(decision.type).toBe('try')
          if (decision.type === 'wait') {
            expect(offered(all).some(({ pausedMs }) => pausedMs !== null)).toBe(true)
            expect(decision.waitMs).toBeGreaterThan(0)
            expect(decision.waitMs).toBeLessThanOrEqual(30_000)
          }
          if (decision.type === 'stop') {
            expect(decision).toMatchObject({
              reason: 'rate_limited',
              retryAfterMs: expect.any(Number),
            })
            expect(eligible.every((fate) => isLimited(fate) || fate.pausedMs !== null)).toBe(true)
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  it('a chain of failures ends within its limits, and each try fits into the time left', () => {
    const kinds = fc.array(
      fc.constantFrom<FailureKind>('overloaded', 'rate_limited', 'timeout', 'auth', 'empty_result'),
      { minLength: 12, maxLength: 12 },
    )
    fc.assert(
      fc.property(fates, preferences, probe, unit, kinds, (all, wishes, how, random, failures) => {
        const world = live(all, how, random)
        const options = optionsOf(all)
        let history: ChainHistory = NO_HISTORY
        let leftMs = 300 * SECOND
        for (let step = 0; step < 40; step += 1) {
          const decision = chooseNext(
            world.situation({
              options,
              preferences: wishes,
              history,
              leftMs,
              random: () => random,
            }),
          )
          if (decision.type === 'stop') break
          if (decision.type === 'wait') {
            expect(decision.waitMs).toBeLessThanOrEqual(leftMs - 15 * SECOND)
            leftMs -= decision.waitMs
            world.pass(decision.waitMs)
            continue
          }
          expect(decision.timeoutMs).toBeGreaterThan(0)
          expect(decision.timeoutMs).toBeLessThanOrEqual(leftMs)
          const { provider } = decision.chosen.option.cell
          history = withTry(history, provider, failures[history.tries.length] ?? 'overloaded')
          leftMs -= SECOND
        }
        const made = history.tries
        const counted = made.filter(({ isRateLimited }) => !isRateLimited)
        expect(made.length).toBeLessThanOrEqual(wishes.allowFallbacks === false ? 1 : 10)
        expect(counted.length).toBeLessThanOrEqual(6)
        for (const provider of PROVIDERS) {
          const here = counted.filter((entry) => entry.provider === provider)
          expect(here.length).toBeLessThanOrEqual(2)
        }
      }),
      { numRuns: 150 },
    )
  })
})
