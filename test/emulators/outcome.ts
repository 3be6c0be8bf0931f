import type { Fault, Scenario } from './scenario.ts'
import type { SeededRandom } from './seeded-random.ts'

/** What becomes of one create request. */
export interface Outcome {
  /** Absent: it succeeds. */
  readonly fault?: Fault
  /** Duration of the generation in real ms (scaled). */
  readonly latencyMs: number
  /** Duration of a refusal before any work in real ms (scaled). */
  readonly fastFailureMs: number
}

/** Standard normal quantile of 95 %. */
const Z95 = 1.6448536269514722

const drawLatencyMs = (scenario: Scenario, normal: number): number => {
  if (!scenario.latency) return 0
  const { p50Ms, p95Ms } = scenario.latency
  return p50Ms * Math.exp((Math.log(p95Ms / p50Ms) / Z95) * normal)
}

const pickWeighted = (mix: Scenario['failureMix'], uniform: number): Fault => {
  const entries = Object.entries(mix ?? {}) as [Fault, number][]
  const total = entries.reduce((sum, [, weight]) => sum + weight, 0)
  let left = uniform * total
  for (const [fault, weight] of entries) {
    left -= weight
    if (left < 0) return fault
  }
  return entries.at(-1)?.[0] ?? 'server_error'
}

/**
 * The fate of one create. Takes the same amount of random numbers whatever is drawn, so that one more fault in
 * `next` does not shift the fates of all later requests.
 */
export const drawOutcome = (
  scenario: Scenario,
  next: Fault | 'success' | undefined,
  random: SeededRandom,
  timeScale: number,
): Outcome => {
  const coin = random.uniform()
  const pick = random.uniform()
  const latencyMs = drawLatencyMs(scenario, random.normal()) / timeScale
  const { fromMs, toMs } = scenario.fastFailureMs ?? { fromMs: 0, toMs: 0 }
  const fastFailureMs = (fromMs + (toMs - fromMs) * random.uniform()) / timeScale
  const byChance =
    coin < (scenario.successRate ?? 1) ? undefined : pickWeighted(scenario.failureMix, pick)
  const fault = next ?? scenario.always ?? byChance
  return fault && fault !== 'success'
    ? { fault, latencyMs, fastFailureMs }
    : { latencyMs, fastFailureMs }
}
