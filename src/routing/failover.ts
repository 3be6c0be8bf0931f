import { setTimeout as sleep } from 'node:timers/promises'
import {
  FAILURE_RULES,
  type FailureKind,
  type GatewayError,
  type ProviderError,
} from '#src/domain/errors.ts'
import type { RoutingPreferences } from '#src/domain/image-request.ts'
import type { Attempt, AttemptLimits } from './attempt.ts'
import type { Candidate } from './candidates.ts'
import { chooseNext, type Decision } from './choose-next.ts'
import { type HedgeAllowance, onceFrom } from './hedge.ts'
import { sendProbe } from './probe.ts'
import { inOrderOfEnd, race } from './race.ts'
import {
  type ChainHistory,
  NO_HISTORY,
  type RankedOption,
  type Situation,
  withTry,
} from './rank-options.ts'
import type { Routing } from './routing.ts'
import type { TrackedWork } from './tracked-attempt.ts'

export type CandidateDecision = Decision<Candidate>
export type RankedCandidate = RankedOption<Candidate>

export interface FailoverInput<Answer, Item> extends Omit<AttemptLimits, 'cancelGraceMs'> {
  readonly work: TrackedWork<Answer, Item>
  /** At least one. */
  readonly candidates: readonly Candidate[]
  readonly preferences: RoutingPreferences
  /** Items wanted in all. */
  readonly count: number
  /** What has been tried for these items before; absent: nothing. */
  readonly history?: ChainHistory
  /** No further attempt is started with less real time left than this. */
  readonly leastAttemptMs: number
  readonly routing: Routing
  /** Told of items as soon as they are sure to be in the result; absent: nobody asks. */
  readonly onItems?: (items: readonly Item[]) => void
  /** Runs the wait for the end of a pause that a provider asked for; absent: nobody measures it. */
  readonly measureWait?: (wait: () => Promise<void>) => Promise<void>
  /** Told of each choice as it is made. */
  readonly onDecision: (decision: CandidateDecision) => void
  /** Told of each attempt as it ends. */
  readonly onAttempt: (attempt: Attempt) => void
  /** Told of each paid copy of a request that was sent to find out if a provider is back, as it ends. */
  readonly onProbe: (attempt: Attempt) => void
}

export interface FailoverResult<Item> {
  /** As many as were wanted, or fewer. */
  readonly items: readonly Item[]
  /** Why the first chain that ended without its items did; absent: none did, or after a failure that forbids more. */
  readonly stop?: Extract<CandidateDecision, { type: 'stop' }>
}

/** What all chains of one request share. */
interface Run<Answer, Item> extends FailoverInput<Answer, Item>, AttemptLimits {
  /** One for all chains. */
  readonly hedges: HedgeAllowance
  /** Set once the gateway itself cannot go on: nothing further is begun, what runs has been paid for and ends. */
  fault?: GatewayError
  stop?: Extract<CandidateDecision, { type: 'stop' }>
}

/** 7 images at 4 a call: 4, 3. */
const splitCount = (count: number, perCall: number): number[] => {
  const calls = Math.ceil(count / perCall)
  return Array.from({ length: calls }, (_, index) => Math.min(perCall, count - index * perCall))
}

const AMBIGUOUS_KINDS: readonly FailureKind[] = ['timeout', 'network']

/** Whom an attempt was made at, as far as what comes next depends on it. */
type Tried = Pick<Candidate['offering'], 'provider' | 'ambiguous'>

const stopsAsAmbiguous = (
  { ambiguous }: Tried,
  { details }: ProviderError,
  { policy }: Routing,
): boolean =>
  details.workMayExist &&
  AMBIGUOUS_KINDS.includes(details.kind) &&
  (ambiguous ?? policy.ambiguous) === 'stop'

/** The history with which the chain goes on after this attempt; `undefined`: it ends. */
const continueChain = (
  routing: Routing,
  history: ChainHistory,
  tried: Tried,
  failure: ProviderError | undefined,
): ChainHistory | undefined => {
  const { provider } = tried
  const next = withTry(history, provider, failure?.kind)
  if (!failure) return next
  if (stopsAsAmbiguous(tried, failure, routing)) return undefined
  switch (FAILURE_RULES[failure.kind].failover) {
    case 'yes':
      return history.refusedBy === undefined ? next : undefined
    case 'no':
      return undefined
    case 'moderation_policy': {
      const mayGoOn = routing.policy.moderationFailover !== 'off' && history.refusedBy === undefined
      return mayGoOn ? { ...next, refusedBy: provider } : undefined
    }
  }
}

/**
 * The history with which the same items are tried for after these attempts, which were made side by side; `undefined`:
 * one of them forbids another, or two providers refused. Those at one provider count as one try of it.
 */
export const historyAfter = (
  attempts: readonly Attempt[],
  candidates: readonly Candidate[],
  routing: Routing,
): ChainHistory | undefined => {
  let history = NO_HISTORY
  for (const { provider, configKey, failure } of attempts) {
    if (!failure) continue
    const known = candidates.find(({ offering }) => offering.configKey === configKey)
    const next = continueChain(routing, NO_HISTORY, known?.offering ?? { provider }, failure)
    const { refusedBy = next?.refusedBy, tries } = history
    if (!next || (next.refusedBy !== undefined && next.refusedBy !== refusedBy)) return undefined
    const others = tries.filter((entry) => entry.provider !== provider)
    history = { tries: [...others, ...next.tries], ...(refusedBy !== undefined && { refusedBy }) }
  }
  return history
}

/** What choices of a request depend on, besides what has been tried. */
export type ChoiceInput = Pick<
  FailoverInput<never, never>,
  'candidates' | 'preferences' | 'deadlineMs' | 'leastAttemptMs' | 'routing' | 'clock'
>

const situationOf = (run: ChoiceInput, history: ChainHistory): Situation<Candidate> => {
  const { candidates, preferences, deadlineMs, leastAttemptMs, routing } = run
  const { fromReal, nowMs } = routing.clock
  return {
    options: candidates,
    preferences,
    history,
    leftMs: fromReal(deadlineMs - run.clock.monotonicMs()),
    nowMs: nowMs(),
    tracker: routing.tracker,
    policy: { ...routing.policy, leastAttemptMs: fromReal(leastAttemptMs) },
    random: routing.random,
  }
}

/** What a request's first choice would be made from now. */
export const firstSituationOf = (input: ChoiceInput): Situation<Candidate> =>
  situationOf(input, NO_HISTORY)

/** One call of a step: how many images, and whether slow start counts it. */
interface Call {
  readonly count: number
  readonly isFirst: boolean
}

type Try = Extract<CandidateDecision, { type: 'try' }>

const runCall = async <Answer, Item>(
  run: Run<Answer, Item>,
  history: ChainHistory,
  { chosen, reason, timeoutMs }: Try,
  { count, isFirst }: Call,
): Promise<readonly Item[]> => {
  const candidate = chosen.option
  const isProbe = isFirst && reason === 'probe'
  const order = { candidate, count, timeoutMs, reason, isFirst, isProbe }
  const runners = await race(run, order, chosen, () => situationOf(run, history))
  for (const { result } of runners) run.onAttempt(result.attempt)
  const items = runners.find(({ result }) => result.items.length > 0)?.result.items ?? []
  if (items.length > 0) run.onItems?.(items)
  let next: ChainHistory | undefined = history
  for (const { candidate: tried, result, hasLost } of inOrderOfEnd(runners)) {
    const { failure, fault } = result.attempt
    if (fault) run.fault ??= fault
    if (fault || !next) return items
    next = continueChain(run.routing, next, tried.offering, hasLost ? undefined : failure)
  }
  const missing = count - items.length
  return missing > 0 && next ? [...items, ...(await runChain(run, next, missing))] : items
}

const waitFor = async (ms: number, gone: AbortSignal): Promise<void> => {
  // Timers may fire a little early.
  await sleep(ms + 1, undefined, { signal: gone }).catch(() => undefined)
}

const runChain = async <Answer, Item>(
  run: Run<Answer, Item>,
  history: ChainHistory,
  count: number,
): Promise<readonly Item[]> => {
  if (run.gone.aborted || run.fault) return []
  const decision = chooseNext(situationOf(run, history))
  run.onDecision(decision)
  if (decision.type === 'stop') {
    run.stop ??= decision
    return []
  }
  if (decision.type === 'wait') {
    const wait = () => waitFor(run.routing.clock.toReal(decision.waitMs), run.gone)
    await (run.measureWait?.(wait) ?? wait())
    return runChain(run, history, count)
  }
  if (decision.probe) sendProbe(run, decision.probe, run.onProbe)
  const isFirst = history.tries.length === 0
  const { option, health } = decision.chosen
  const sizes = splitCount(count, option.mapped.imagesPerCall)
  // Where attempts begin step by step, each call waits for its own turn.
  const begun = health.nextTurnMs !== undefined ? sizes.slice(0, 1) : sizes
  const left = count - begun.reduce((sum, size) => sum + size, 0)
  const results = await Promise.all([
    ...begun.map((size, index) =>
      runCall(run, history, decision, { count: size, isFirst: isFirst && index === 0 }),
    ),
    ...(left > 0 ? [runChain(run, history, left)] : []),
  ])
  return results.flat()
}

/**
 * Makes attempts until there are `count` items, nothing is left, a failure forbids another try, the deadline passes or
 * the client leaves; which comes next, `chooseNext` says. Where a call makes fewer images than are wanted, several calls
 * run side by side, each with a chain of its own. What failed is told through `onAttempt`; rejects only when a
 * `GatewayError` of the work left no item at all.
 */
export const runAttempts = async <Answer, Item>(
  input: FailoverInput<Answer, Item>,
): Promise<FailoverResult<Item>> => {
  const { routing, candidates } = input
  const cancelGraceMs = () => routing.clock.toReal(routing.policy.cancelGraceMs)
  const run: Run<Answer, Item> = { ...input, cancelGraceMs, hedges: onceFrom(routing.hedges) }
  const modelId = candidates[0]?.cell.modelId
  if (modelId !== undefined) routing.tracker.arrive(modelId, routing.clock.nowMs())
  routing.hedges.earn()
  const items = await runChain(run, input.history ?? NO_HISTORY, input.count)
  if (run.fault && items.length === 0) throw run.fault
  return { items, ...(run.stop && { stop: run.stop }) }
}
