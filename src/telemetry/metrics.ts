import { Gauge, Registry } from 'prom-client'

/** All metrics of the gateway. Base units, label values from closed sets. */
export interface Metrics {
  /** 1: what is learnt about providers is shared with the other gateways. 0: it is not, as there is no Redis or it fails. */
  readonly stateShared: Gauge
  /** Prometheus text. */
  render(): Promise<string>
  /** Type of that text. */
  readonly contentType: string
}

export const createMetrics = (): Metrics => {
  const registry = new Registry()
  const stateShared = new Gauge({
    name: 'fresnel_state_shared',
    help: 'Whether what is learnt about providers is shared with other gateways through Redis',
    registers: [registry],
  })
  stateShared.set(0)
  return { stateShared, render: () => registry.metrics(), contentType: registry.contentType }
}
