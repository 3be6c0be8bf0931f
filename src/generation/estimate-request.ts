import { type PriceComponent, priceComponents } from '#src/catalog/pricing.ts'
import type { ImageRequest } from '#src/domain/image-request.ts'
import type { MicroUsd } from '#src/domain/money.ts'
import type { DecisionTrace } from './decision-trace.ts'
import type { GenerationDependencies } from './generation-dependencies.ts'
import { planRequest } from './plan-request.ts'

/** What a request would cost at the offering that would be tried first. */
export interface Estimate {
  readonly modelId: string
  readonly provider: string
  readonly total: MicroUsd
  readonly components: readonly PriceComponent[]
}

/** Adds up the lines that several calls to one offering repeat. */
const repeat = (components: readonly PriceComponent[], calls: number): PriceComponent[] =>
  components.map((component) =>
    component.rule.metric === 'request'
      ? { ...component, quantity: component.quantity * calls, total: component.total * calls }
      : component,
  )

/** Checks and routes a request as if it were to run, sends nothing, and tells what it would cost. */
export const estimateRequest = (
  deps: GenerationDependencies,
  request: ImageRequest,
  trace: DecisionTrace,
): Estimate => {
  const { ranked, count } = planRequest(deps, request, trace)
  const first = ranked[0]
  if (!first) throw new Error('A plan has at least one candidate')
  const { offering, mapped } = first
  const { resolution } = mapped
  const work = { images: count, resolution, parameters: request.parameters }
  const calls = Math.ceil(count / mapped.imagesPerCall)
  const components = repeat(priceComponents(offering, work), calls)
  return {
    modelId: trace.modelId ?? request.requestedModel,
    provider: offering.provider,
    total: components.reduce((sum, { total }) => sum + total, 0),
    components,
  }
}
