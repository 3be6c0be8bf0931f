import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type ReplayLog, readReplayLog } from '#src/simulation/replay-log.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import {
  GENERATIONS,
  startTestGateway,
  type TestGateway,
} from '#test/helpers/start-test-gateway.ts'

const PROMPT = 'planted-prompt-zebra'
const command = new URL('../../src/cli/simulate-routing.ts', import.meta.url).pathname
const run = promisify(execFile)

interface AnsweredAttempt {
  readonly provider: string
  readonly status: string
}

let gateway: TestGateway
let folder: string
beforeAll(async () => {
  gateway = await startTestGateway({ environment: { LOG_LEVEL: 'debug' } })
  folder = await mkdtemp(join(tmpdir(), 'fresnel-replay-'))
})
afterAll(async () => {
  await gateway.close()
  await rm(folder, { recursive: true, force: true })
})

const ask = async (model: string): Promise<AnsweredAttempt[]> => {
  const body = { model, prompt: PROMPT }
  const answer = await gateway.post(GENERATIONS, body)
  return answer.body.metadata?.attempts ?? []
}

const countBy = (log: ReplayLog, key: 'outcome' | 'provider'): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const line of log.lines) counts[line[key]] = (counts[line[key]] ?? 0) + 1
  return counts
}

it("reads the gateway's own log back and replays every attempt in it", async () => {
  const { gemini, fal } = gateway.emulators
  gemini.setScenario({ next: ['unavailable', 'no_image'] })
  fal.setScenario({ next: ['rate_limited_with_hint'], retryAfterMs: 8_000 })
  const answered = [
    ...(await ask(FIRST_MODEL)),
    ...(await ask(FIRST_MODEL)),
    ...(await ask(FIRST_MODEL)),
    ...(await ask(`vertex/${FIRST_MODEL}`)),
  ]
  gemini.setScenario({ always: 'refusal' })
  await ask(`gemini/${FIRST_MODEL}`)

  const log = await readReplayLog(gateway.logText().split('\n'))
  const requests = new Set(log.lines.map(({ requestId }) => requestId))
  expect(requests.size).toBe(5)
  // The refused request has an error for an answer, and no attempts in it.
  expect(log.lines).toHaveLength(answered.length + 1)
  expect(log.unreadable).toBe(0)
  expect(log.others).toBeGreaterThanOrEqual(requests.size)
  expect(countBy(log, 'outcome')).toEqual({
    outage: 1,
    empty: 1,
    rate_limited: 1,
    success: 4,
    refused: 1,
  })
  const forced = log.lines.filter(({ provider }) => provider === 'vertex').at(-1)
  expect(forced).toEqual({
    requestId: expect.any(String),
    isProbe: false,
    model: FIRST_MODEL,
    provider: 'vertex',
    configKey: `vertex/${FIRST_MODEL}`,
    mode: 'text_to_image',
    tier: '1K',
    begunMs: expect.any(Number),
    providerMs: expect.any(Number),
    outcome: 'success',
    candidates: [
      {
        provider: 'vertex',
        configKey: `vertex/${FIRST_MODEL}`,
        tier: '1K',
        priceMicroUsd: expect.any(Number),
        shortcomings: 0,
      },
    ],
  })
  expect(gateway.logText()).not.toContain(PROMPT)

  const path = join(folder, 'gateway.log')
  await writeFile(path, gateway.logText())
  const { stdout } = await run(process.execPath, [command, '--replay', path, '--set', 'sort=price'])
  expect(stdout).toContain(
    `${log.lines.length} attempts of 5 requests read, ${log.others} lines skipped (0 attempts that cannot be read, ${log.others} about something else)`,
  )
  expect(stdout).toContain('default: 5 requests')
  expect(stdout).toContain('as set: 5 requests')
})
