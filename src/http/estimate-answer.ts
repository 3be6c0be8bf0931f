import type { JsonObject } from '#src/domain/json.ts'
import type { Estimate } from '#src/generation/estimate-request.ts'

/** The body of a dry run, as the contract shapes it. */
export const presentEstimate = (estimate: Estimate): JsonObject => ({
  estimated: true,
  model: estimate.modelId,
  provider: estimate.provider,
  total_cost_micros: estimate.total,
  currency: 'USD',
  components: estimate.components.map(({ rule, quantity, unitPriceUsd, total }) => ({
    type: rule.metric === 'input_token' ? 'input' : 'output',
    metric: rule.unit === 'image' ? 'image' : rule.metric,
    quantity,
    billable_quantity: quantity,
    unit_price: unitPriceUsd,
    total_cost: total,
  })),
})
