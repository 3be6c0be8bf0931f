import type { JsonObject } from '#src/domain/json.ts'
import type { PriceRule } from '#src/domain/offering.ts'
import type { Estimate } from '#src/generation/estimate-request.ts'

/** `input`, `output` or `request`: what a line of a price is paid for. */
const typeOf = ({ metric }: PriceRule): string => metric.split('_')[0] ?? metric

/** The body of a dry run, as the contract shapes it. */
export const presentEstimate = (estimate: Estimate): JsonObject => ({
  estimated: true,
  model: estimate.modelId,
  provider: estimate.provider,
  total_cost_micros: estimate.total,
  currency: 'USD',
  components: estimate.components.map(({ rule, quantity, unitPriceUsd, total }) => ({
    type: typeOf(rule),
    metric: rule.unit === 'image' ? 'image' : rule.metric,
    quantity,
    billable_quantity: quantity,
    unit_price: unitPriceUsd,
    total_cost: total,
  })),
})
