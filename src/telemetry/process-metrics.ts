import { collectDefaultMetrics, Registry } from 'prom-client'

/** Gauges whose names end as counters' do; the same numbers come by kind under the names without `_total`. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]

let registry: Registry | undefined

/**
 * Node's own metrics: processor, memory, event-loop delay, garbage collection. One registry for all gateways of a
 * process: what measures them cannot be taken down again.
 */
export const processRegistry = (): Registry => {
  if (registry) return registry
  registry = new Registry()
  collectDefaultMetrics({ register: registry })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  return registry
}
