import { systemClock } from '#src/domain/clock.ts'
import { type FailureKind, ProviderError, type ProviderErrorDetails } from '#src/domain/errors.ts'
import type { Attempt, AttemptWork } from '#src/routing/attempt.ts'
import { type Candidate, selectCandidates } from '#src/routing/candidates.ts'
import { type CandidateDecision, type FailoverInput, runAttempts } from '#src/routing/failover.ts'
import { DEFAULT_ROUTING_POLICY, type RoutingPolicy } from '#src/routing/policy.ts'
import { createRouting, type Routing } from '#src/routing/routing.ts'
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

interface RunOptions extends Partial<Input> {
  readonly policy?: Partial<RoutingPolicy>
  /** Divides all of routing's durations. Absent: 1. */
  readonly timeScale?: number
  /** What the gateway does with an answer; absent: nothing. */
  readonly deliver?: Deliver
}

/** Routing of a gateway that has seen nothing and takes no chances. */
export const freshRouting = (policy: Partial<RoutingPolicy> = {}, timeScale = 1): Routing =>
  createRouting({
    models: catalog.models,
    configuredProviders: ALL_PROVIDERS,
    policy: { ...DEFAULT_ROUTING_POLICY, ...policy },
    clock: systemClock,
    timeScale,
    closing: new AbortController().signal,
    random: () => 0.999,
  })

/** The first model's offerings that take a plain request. */
export const fourCandidates = (): readonly Candidate[] =>
  selectCandidates(catalog.resolve(FIRST_MODEL), imageRequest(), ALL_PROVIDERS).candidates

/** A time scale at which a first attempt, at gemini, is given 34 ms. */
export const FAST = 2_000

/** Runs the loop over the first model's four offerings, each call asking `behaviour` of its provider. */
export const run = async (
  behaviour: (
    provider: string,
    count: number,
    call: Parameters<Work['generate']>[2],
  ) => Promise<string[]>,
  { deliver = async (answer) => answer, policy, timeScale, ...part }: RunOptions = {},
) => {
  const routing = part.routing ?? freshRouting(policy, timeScale)
  const attempts: Attempt[] = []
  const probes: Attempt[] = []
  const calls: string[] = []
  const decisions: CandidateDecision[] = []
  const generate: Work['generate'] = ({ offering }, count, context) => {
    calls.push(`${offering.provider} ${count}`)
    return behaviour(offering.provider, count, context)
  }
  const { items, stop } = await runAttempts<string[], string>({
    work: {
      generate,
      probe: generate,
      deliver: async (_candidate, answer, signal) => {
        const made = await deliver(answer, signal)
        return { items: made, cost: made.length, fetchMs: 0 }
      },
      priceOf: (_candidate, count) => count * 100,
    },
    candidates: fourCandidates(),
    preferences: {},
    count: 1,
    deadlineMs: systemClock.monotonicMs() + 280_000,
    leastAttemptMs: 5,
    gone: new AbortController().signal,
    clock: systemClock,
    onDecision: (decision) => decisions.push(decision),
    onAttempt: (attempt) => attempts.push(attempt),
    onProbe: (attempt) => probes.push(attempt),
    ...part,
    routing,
  })
  return { items, stop, attempts, probes, calls, decisions, routing }
}

/** Resolves when the signal aborts, as an adapter that cancels its job does. */
export const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(fail('cancelled', { workMayExist: true })))
  })
