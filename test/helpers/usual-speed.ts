import { DEMO_SCENARIOS } from '#test/emulators/demo-scenarios.ts'
import type { ProviderId } from '#test/emulators/emulator.ts'
import type { Scenario } from '#test/emulators/scenario.ts'

/** As fast as the real provider, divided by the time scale, and never failing unless `part` says so. */
export const atUsualSpeed = (provider: ProviderId, part: Scenario = {}): Scenario => {
  const { latency } = DEMO_SCENARIOS[provider]
  return { ...(latency && { latency }), ...part }
}
