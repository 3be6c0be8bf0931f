import type { Fault, Scenario } from '#test/emulators/scenario.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import { IMAGE_BYTES } from './soak-picture.ts'

/*
 * The providers of the soak, in a process of their own: forked with the time scale as argument. Tells its parent the
 * environment of a gateway, and whenever it is sent a message how it stands.
 */

/** What the emulators tell their parent. */
export type EmulatorMessage =
  | { readonly kind: 'environment'; readonly environment: Record<string, string> }
  | { readonly kind: 'standing'; readonly creates: number; readonly jobsLeftRunning: number }

const COMMON: Partial<Record<Fault, number>> = {
  unavailable: 4,
  rate_limited: 2,
  server_error: 2,
  stalled_error: 1,
  reset_before_answer: 1,
  reset_inside_answer: 1,
  malformed_body: 1,
  truncated_body: 1,
  slow_drip: 1,
  hang: 1,
  refusal: 4,
  no_image: 1,
}

/** Three of four succeed, after 20 s as a rule, scaled. */
const scenarioOf = (more: Partial<Record<Fault, number>> = {}): Scenario => ({
  latency: { p50Ms: 20_000, p95Ms: 40_000 },
  fastFailureMs: { fromMs: 300, toMs: 2_000 },
  successRate: 0.75,
  failureMix: { ...COMMON, ...more },
  imageSizeBytes: IMAGE_BYTES,
})

const tell = (message: EmulatorMessage): void => {
  process.send?.(message)
}

const emulators = await startEmulators({ timeScale: Number(process.argv[2]), seed: 7 })
const all = [emulators.gemini, emulators.vertex, emulators.fal, emulators.replicate]
emulators.gemini.setScenario(scenarioOf({ text_only: 1 }))
emulators.vertex.setScenario(scenarioOf({ text_only: 1 }))
emulators.fal.setScenario(scenarioOf({ dead_file: 1, bad_file: 1, hang_at_create: 1 }))
emulators.replicate.setScenario(scenarioOf({ dead_file: 1, bad_file: 1, hang_at_create: 1 }))

process.on('message', () =>
  tell({
    kind: 'standing',
    creates: all.reduce((sum, emulator) => sum + emulator.count('create'), 0),
    jobsLeftRunning: all.reduce((sum, emulator) => sum + emulator.jobsLeftRunning(), 0),
  }),
)
process.once('disconnect', () => void emulators.close())
tell({ kind: 'environment', environment: { ...emulators.environment } })
