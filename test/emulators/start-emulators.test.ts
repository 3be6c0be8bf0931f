import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { DEMO_SCENARIOS } from './demo-scenarios.ts'
import { startEmulators } from './start-emulators.ts'
import { ask, askFal, askGemini, failureOf, submitFal } from './wire-client.ts'

describe('startEmulators', () => {
  it('describes the environment of a gateway that is to use it', async () => {
    const emulators = await startEmulators({ timeScale: 100 })
    const { gemini, vertex, fal, replicate } = emulators
    const hosts = [gemini, vertex, fal, replicate].map(({ url }) => url.replace('http://', ''))
    expect(emulators.environment).toEqual({
      GEMINI_API_KEY: 'emulated-gemini-key',
      GEMINI_BASE_URL: gemini.url,
      VERTEX_API_KEY: 'emulated-vertex-key',
      VERTEX_BASE_URL: vertex.url,
      FAL_KEY: 'emulated-fal-id:emulated-fal-secret',
      FAL_BASE_URL: fal.url,
      REPLICATE_API_TOKEN: 'r8_emulatedReplicateToken',
      REPLICATE_BASE_URL: `${replicate.url}/v1`,
      OUTBOUND_ALLOW: hosts.join(','),
      TIME_SCALE: '100',
    })
    await emulators.close()
  })

  it('starts only what is asked for and writes URLs with the public host', async () => {
    const emulators = await startEmulators({ only: ['fal'], publicHost: 'localhost' })
    expect(() => emulators.gemini).toThrow(/gemini emulator was not started/)
    expect(Object.keys(emulators.environment).sort()).toEqual([
      'FAL_BASE_URL',
      'FAL_KEY',
      'OUTBOUND_ALLOW',
      'TIME_SCALE',
    ])
    expect((await submitFal(emulators.fal)).text).toContain('http://localhost:')
    await emulators.close()
  })

  it('refuses faults that a provider cannot have', async () => {
    const emulators = await startEmulators({ only: ['gemini'] })
    expect(() => emulators.gemini.setScenario({ always: 'dead_file' })).toThrow(
      /"dead_file" makes no sense at gemini; allowed: rate_limited/,
    )
    await emulators.close()
  })

  it('frees the ports that it had taken when one of them is in use', async () => {
    const first = await startEmulators({ only: ['fal'] })
    const port = Number(new URL(first.fal.url).port)
    await expect(startEmulators({ ports: { fal: port } })).rejects.toThrow(/EADDRINUSE/)
    await first.close()
  })

  it('ends hanging requests and waiting jobs when it closes', async () => {
    const emulators = await startEmulators()
    emulators.gemini.setScenario({ always: 'hang' })
    emulators.fal.setScenario({ always: 'hang' })
    const { json } = await submitFal(emulators.fal)
    const { status_url } = json as { status_url: string }
    const pending = [
      failureOf(askGemini(emulators.gemini)),
      failureOf(askFal(`${status_url}/stream`)),
    ]
    await expect.poll(() => emulators.gemini.count('create') + emulators.fal.count('poll')).toBe(2)
    const startedMs = performance.now()
    await emulators.close()
    expect(performance.now() - startedMs).toBeLessThan(500)
    for (const failure of await Promise.all(pending)) {
      expect(failure).toMatch(/ECONNRESET|UND_ERR_SOCKET/)
    }
  })

  it('gives the same seed the same fates and latencies that follow the time scale', async () => {
    const play = async (seed: number) => {
      const emulators = await startEmulators({ only: ['gemini'], seed, timeScale: 100_000 })
      const { failureMix, ...scenario } = DEMO_SCENARIOS.gemini
      emulators.gemini.setScenario({ ...scenario, failureMix: { no_image: 1, unavailable: 1 } })
      const fates: string[] = []
      for (let index = 0; index < 20; index += 1) {
        const { status, text } = await askGemini(emulators.gemini)
        fates.push(status === 200 && text.includes('inlineData') ? 'image' : String(status))
      }
      await emulators.close()
      return fates.join(' ')
    }
    expect(await play(5)).toBe(await play(5))
    expect(await play(5)).not.toBe(await play(6))
  })
})

describe('the emulators as a program', () => {
  it('prints its environment, serves, and ends cleanly on SIGTERM', async () => {
    const program = spawn(process.execPath, [new URL('./main.ts', import.meta.url).pathname], {
      env: { EMULATOR_FIRST_PORT: '0', EMULATOR_TIME_SCALE: '1000' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(program.stdout, 'data')) as [Buffer]
    const environment = JSON.parse(line.toString()) as Record<string, string>
    expect((await ask(`${environment.GEMINI_BASE_URL}/nowhere`)).status).toBe(404)
    program.kill('SIGTERM')
    expect(await once(program, 'exit')).toEqual([0, null])
  })
})
