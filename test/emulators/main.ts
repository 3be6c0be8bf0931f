import { applyDemoScenarios } from './demo-scenarios.ts'
import { startEmulators } from './start-emulators.ts'

/** Ports of the demo, as the compose file names them: 8101 and the three that follow. */
const DEFAULT_FIRST_PORT = 8101
/** A half-minute generation takes three seconds: long enough to watch, short enough to wait for. */
const DEFAULT_TIME_SCALE = 10

// The emulators are a program of their own, so the gateway's configuration module does not read these.
const { HOST, PUBLIC_HOST, EMULATOR_FIRST_PORT, EMULATOR_SEED, EMULATOR_TIME_SCALE } = process.env

/** 0 leaves the choice to the system. */
const portsFrom = (first: number) =>
  first === 0 ? {} : { gemini: first, vertex: first + 1, fal: first + 2, replicate: first + 3 }

const emulators = await startEmulators({
  host: HOST ?? '127.0.0.1',
  publicHost: PUBLIC_HOST ?? HOST ?? '127.0.0.1',
  ports: portsFrom(Number(EMULATOR_FIRST_PORT ?? DEFAULT_FIRST_PORT)),
  timeScale: Number(EMULATOR_TIME_SCALE ?? DEFAULT_TIME_SCALE),
  seed: Number(EMULATOR_SEED ?? 1),
})
applyDemoScenarios(emulators)
process.stdout.write(`${JSON.stringify(emulators.environment)}\n`)

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    void emulators.close()
  })
}
