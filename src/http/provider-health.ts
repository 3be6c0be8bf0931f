import type { RoutingClock } from '#src/domain/routing-clock.ts'
import type { ProviderTracker } from '#src/routing/provider-tracker.ts'

/** How one model stands at one provider, as this gateway sees it. */
export interface ProviderHealth {
  /**
   * - `ok`: it is tried as usual
   * - `open`: it is taken for down and tried last, but for probes
   * - `rate_limited`: it asked to be left alone for a while
   * - `taken_out`: it does not accept the operator's account; all its models wait
   */
  readonly status: 'ok' | 'open' | 'rate_limited' | 'taken_out'
  /** Until when at least, in real milliseconds since the Unix epoch; absent: `ok`, or not known. */
  readonly untilMs?: number
  /** Attempts of this gateway that run there now. */
  readonly inFlight: number
}

/** `undefined`: not watched, as the provider is not configured. */
export type HealthOf = (modelId: string, provider: string) => ProviderHealth | undefined

export interface HealthSource {
  readonly tracker: Pick<ProviderTracker, 'healthOf'>
  readonly clock: RoutingClock
  readonly configuredProviders: ReadonlySet<string>
}

/** Health as routing knows it, in real time. */
export const createHealthOf =
  ({ tracker, clock, configuredProviders }: HealthSource): HealthOf =>
  (modelId, provider) => {
    if (!configuredProviders.has(provider)) return undefined
    const nowMs = clock.nowMs()
    const { isOpen, circuit, pause, inFlight } = tracker.healthOf({ modelId, provider }, nowMs)
    // What only an operator can mend says more than a breaker, and a breaker more than a pause of seconds.
    if (isOpen && pause?.reason !== 'taken_out') {
      // From then on it waits for a probe, whose time nobody knows.
      const isKnown = circuit.untilMs > nowMs
      return {
        status: 'open',
        inFlight,
        ...(isKnown && { untilMs: clock.toReal(circuit.untilMs) }),
      }
    }
    if (pause) return { status: pause.reason, inFlight, untilMs: clock.toReal(pause.untilMs) }
    return { status: 'ok', inFlight }
  }
