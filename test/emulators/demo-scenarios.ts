import type { Emulators, ProviderId } from './emulator.ts'
import type { Fault, Scenario } from './scenario.ts'

/** How one provider did over 30 days, and how its failures divide. */
interface ProviderRecord {
  /** Generation time in ms. */
  readonly latency: { readonly p50Ms: number; readonly p95Ms: number }
  /** Share of requests that gave an image, 0 to 1. */
  readonly successRate: number
  /** Percent of the failures that come at once (429, 503), after a full generation without an image, and never. */
  readonly failures: { readonly fast: number; readonly noImage: number; readonly hang: number }
}

/**
 * Success rates and times as a public product page showed them for Nano Banana 2 in early 2026. The division of the
 * failures ("mix A") is an assumption: no provider publishes one.
 */
const RECORDS: Readonly<Record<ProviderId, ProviderRecord>> = {
  gemini: {
    latency: { p50Ms: 26_026, p95Ms: 45_077 },
    successRate: 0.835,
    failures: { fast: 55, noImage: 35, hang: 10 },
  },
  vertex: {
    latency: { p50Ms: 43_888, p95Ms: 101_504 },
    successRate: 0.565,
    failures: { fast: 80, noImage: 12, hang: 8 },
  },
  fal: {
    latency: { p50Ms: 45_725, p95Ms: 92_378 },
    successRate: 0.923,
    failures: { fast: 15, noImage: 70, hang: 15 },
  },
  replicate: {
    latency: { p50Ms: 31_830, p95Ms: 55_872 },
    successRate: 0.36,
    failures: { fast: 70, noImage: 20, hang: 10 },
  },
}

/** Refusals before any work take this long, in ms. */
const FAST_FAILURE_MS = { fromMs: 300, toMs: 2_000 }

const toScenario = ({ latency, successRate, failures }: ProviderRecord): Scenario => {
  const failureMix: Partial<Record<Fault, number>> = {
    rate_limited: failures.fast / 2,
    unavailable: failures.fast / 2,
    no_image: failures.noImage,
    hang: failures.hang,
  }
  return { latency, successRate, failureMix, fastFailureMs: FAST_FAILURE_MS }
}

/** Each provider as it really was, in real durations: the emulators' time scale shortens them. */
export const DEMO_SCENARIOS: Readonly<Record<ProviderId, Scenario>> = {
  gemini: toScenario(RECORDS.gemini),
  vertex: toScenario(RECORDS.vertex),
  fal: toScenario(RECORDS.fal),
  replicate: toScenario(RECORDS.replicate),
}

/** Lets all four emulators behave as their originals did. */
export const applyDemoScenarios = (emulators: Emulators): void => {
  emulators.gemini.setScenario(DEMO_SCENARIOS.gemini)
  emulators.vertex.setScenario(DEMO_SCENARIOS.vertex)
  emulators.fal.setScenario(DEMO_SCENARIOS.fal)
  emulators.replicate.setScenario(DEMO_SCENARIOS.replicate)
}
