import { type PriceComponent, priceComponents } from '#src/catalog/pricing.ts'
import type { ImageRequest } from '#src/domain/image-request.ts'
import type { MicroUsd } from '#src/domain/money.ts'
import type { PriceRule } from '#src/domain/offering.ts'
import { type Candidate, priceBasisOf } from '#src/routing/candidates.ts'
import { NO_HISTORY, rankOptions } from '#src/routing/rank-options.ts'
import type { DecisionTrace } from './decision-trace.ts'
import type { GenerationDependencies } from './generation-dependencies.ts'
import { type PlanDependencies, planRequest } from './plan-request.ts'

/** What an estimate is made from: a plan, and what is believed of providers. */
export type EstimateDependencies = PlanDependencies & Pick<GenerationDependencies, 'routing'>

/** What a request would cost at the offering that would be tried first. */
export interface Estimate {
  readonly modelId: string
  readonly provider: string
  readonly total: MicroUsd
  readonly components: readonly PriceComponent[]
}

/** What every call is billed for, however many images it makes. */
const PER_CALL: ReadonlySet<PriceRule['metric']> = new Set(['request', 'input_megapixel'])

/** Adds up the lines that several calls to one offering repeat. */
const repeat = (components: readonly PriceComponent[], calls: number): PriceComponent[] =>
  components.map((component) =>
    PER_CALL.has(component.rule.metric)
      ? { ...component, quantity: component.quantity * calls, total: component.total * calls }
      : component,
  )

/** What a candidate would cost that makes all images of the request. */
export const priceAt = (
  { offering, mapped }: Candidate,
  count: number,
  request: Pick<ImageRequest, 'parameters' | 'images'>,
): Pick<Estimate, 'total' | 'components'> => {
  const calls = Math.ceil(count / mapped.imagesPerCall)
  const components = repeat(
    priceComponents(offering, { images: count, ...priceBasisOf(mapped, request) }),
    calls,
  )
  return { total: components.reduce((sum, { total }) => sum + total, 0), components }
}

/** The candidate that would be tried first now, leaving chance out. */
const firstChoice = (
  { routing: { tracker, policy, clock } }: EstimateDependencies,
  { routing: preferences, timeoutMs }: ImageRequest,
  candidates: readonly Candidate[],
): Candidate => {
  const [first] = rankOptions({
    options: candidates,
    preferences,
    history: NO_HISTORY,
    leftMs: clock.fromReal(timeoutMs),
    nowMs: clock.nowMs(),
    tracker,
    policy,
    random: () => 1,
  })
  if (!first) throw new Error('A plan has at least one candidate')
  return first.option
}

/** Checks and routes a request as if it were to run, sends nothing, and tells what it would cost. */
export const estimateRequest = (
  deps: EstimateDependencies,
  request: ImageRequest,
  trace: DecisionTrace,
): Estimate => {
  const { candidates, count } = planRequest(deps, request, trace)
  const candidate = firstChoice(deps, request, candidates)
  return {
    modelId: trace.modelId ?? request.requestedModel,
    provider: candidate.offering.provider,
    ...priceAt(candidate, count, request),
  }
}
