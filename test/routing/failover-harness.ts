import { systemClock } from '#src/domain/clock.ts'
import { type FailureKind, ProviderError, type ProviderErrorDetails } from '#src/domain/errors.ts'
import type { Attempt, AttemptWork } from '#src/routing/attempt.ts'
import { selectCandidates } from '#src/routing/candidates.ts'
import { type FailoverInput, runAttempts } from '#src/routing/failover.ts'
import { DEFAULT_ROUTING_POLICY, type RoutingPolicy } from '#src/routing/policy.ts'
import { rankCandidates } from '#src/routing/rank.ts'
import { createMemoryProviderHealth } from '#src/state/memory/memory-provider-health.ts'
import {
  ALL_PROVIDERS,
  createFirstCatalog,
  FIRST_MODEL,
  imageRequest,
} from '#test/helpers/models.ts'

const catalog = createFirstCatalog()
/** An adapter's failure. */
export const fail = (kind: FailureKind, part: Partial<ProviderErrorDetails> = {}) =>
  new ProviderError({ kind, workMayExist: false, publicMessage: kind, ...part })

type Work = AttemptWork<string[], string>
type Input = FailoverInput<string[], string>
type Deliver = (answer: string[], signal: AbortSignal) => Promise<string[]>

interface RunOptions extends Partial<Omit<Input, 'policy'>> {
  readonly policy?: Partial<RoutingPolicy>
  /** What the gateway does with an answer; absent: nothing. */
  readonly deliver?: Deliver
}

/** Runs the loop over the first model's four offerings, each call asking `behaviour` of its provider. */
export const run = async (
  behaviour: (
    provider: string,
    count: number,
    call: Parameters<Work['generate']>[2],
  ) => Promise<string[]>,
  { deliver = async (answer) => answer, ...part }: RunOptions = {},
) => {
  const health = createMemoryProviderHealth()
  const { candidates } = selectCandidates(
    catalog.resolve(FIRST_MODEL),
    imageRequest(),
    ALL_PROVIDERS,
  )
  const attempts: Attempt[] = []
  const calls: string[] = []
  const items = await runAttempts<string[], string>({
    work: {
      generate: ({ offering }, count, context) => {
        calls.push(`${offering.provider} ${count}`)
        return behaviour(offering.provider, count, context)
      },
      deliver: async (_candidate, answer, signal) => {
        const made = await deliver(answer, signal)
        return { items: made, cost: made.length }
      },
      priceOf: (_candidate, count) => count * 100,
    },
    ranked: rankCandidates(candidates, {}, health, 0),
    count: 1,
    deadlineMs: systemClock.monotonicMs() + 60_000,
    leastAttemptMs: 5,
    gone: new AbortController().signal,
    health,
    clock: systemClock,
    onAttempt: (attempt) => attempts.push(attempt),
    ...part,
    policy: { ...DEFAULT_ROUTING_POLICY, ...part.policy },
  })
  return { items, attempts, calls, health }
}

/** Resolves when the signal aborts, as an adapter that cancels its job does. */
export const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(fail('cancelled', { workMayExist: true })))
  })

/** The first model's four offerings, in the catalogue's order. */
export const fourRanked = async () => {
  const { candidates } = selectCandidates(
    catalog.resolve(FIRST_MODEL),
    imageRequest(),
    ALL_PROVIDERS,
  )
  return rankCandidates(candidates, {}, createMemoryProviderHealth(), 0)
}
