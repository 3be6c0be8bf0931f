import { expect, it } from 'vitest'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { GENERATIONS, startTestGateway, TEST_KEY } from '#test/helpers/start-test-gateway.ts'

const PLANTED = 'planted-prompt-zebra'

it('keeps prompts, keys and upstream bodies out of logs and errors, whatever happens', async () => {
  const gateway = await startTestGateway()
  const { gemini, vertex, fal, replicate } = gateway.emulators
  const answers: string[] = []
  const ask = async (part: object, headers = {}) => {
    const { status, body } = await gateway.post(
      GENERATIONS,
      { model: FIRST_MODEL, prompt: PLANTED, ...part },
      headers,
    )
    if (status !== 200) answers.push(JSON.stringify(body))
  }
  const faults = [
    'refusal',
    'bad_key',
    'unavailable',
    'malformed_body',
    'reset_before_answer',
  ] as const
  for (const fault of faults) {
    for (const emulator of [gemini, vertex, fal, replicate]) {
      emulator.setScenario({ always: fault })
      await ask({ model: `${emulator.id}/${FIRST_MODEL}` })
    }
  }
  for (const emulator of [gemini, vertex, fal, replicate]) emulator.setScenario({})
  await ask({ n: 99 })
  await ask({ size: 'nonsense' })
  await ask({}, { authorization: 'Bearer planted-wrong-key' })
  await ask({ user: 'user-7' })
  await gateway.close()

  const written = gateway.logText() + answers.join('\n')
  const secrets = [
    PLANTED,
    TEST_KEY,
    'planted-wrong-key',
    ...Object.entries(gateway.emulators.environment)
      .filter(([name]) => /KEY|TOKEN/.test(name))
      .map(([, value]) => value),
  ]
  expect(answers.length).toBeGreaterThan(20)
  expect(written).toContain('user-7')
  for (const secret of secrets) expect(written).not.toContain(secret)
})
