import { expect, it } from 'vitest'
import { gatewayOfFile } from '#test/helpers/gateway-of-file.ts'
import { GENERATIONS } from '#test/helpers/start-test-gateway.ts'

const gateway = await gatewayOfFile()
const generate = (provider: string, part: object) =>
  gateway.post(GENERATIONS, { model: `${provider}/ideogram-v3`, prompt: 'a lighthouse', ...part })

it.each([
  [{ quality: 'low' }, 'TURBO', 'turbo'],
  [{ quality: 'standard' }, 'BALANCED', 'balanced'],
  [{ quality: 'hd' }, 'QUALITY', 'quality'],
])('Ideogram takes %j for a speed of rendering', async (part, speed, name) => {
  const atFal = await generate('fal', part)
  const [call] = gateway.emulators.fal.calls
  expect([atFal.body.warnings, call?.body]).toEqual([
    undefined,
    expect.objectContaining({ rendering_speed: speed }),
  ])
  const { body } = await generate('replicate', part)
  expect([body.warnings, body.metadata.attempts[0].config_key]).toEqual([
    undefined,
    `replicate/ideogram-v3-${name}`,
  ])
})

it('OpenAI’s styles are no reason for Ideogram to refuse: a warning says that they were not sent', async () => {
  for (const provider of ['fal', 'replicate']) {
    const { status, body } = await generate(provider, { style: 'vivid' })
    expect([status, body.warnings]).toEqual([
      200,
      [expect.objectContaining({ type: 'unsupported', param: 'style' })],
    ])
  }
})

it.each([
  [{}, 'balanced', 0.06],
  [{ quality: 'auto' }, 'balanced', 0.06],
  [{ rendering_speed: 'TURBO' }, 'turbo', 0.03],
  [{ quality: 'hd', rendering_speed: 'TURBO' }, 'turbo', 0.03],
])('Ideogram of %j is one speed at Replicate, also when it fails', async (part, name, usd) => {
  const { body } = await generate('replicate', part)
  const dryRun = await gateway.post(`${GENERATIONS}?dryRun=true`, {
    model: 'replicate/ideogram-v3',
    prompt: 'a lighthouse',
    ...part,
  })
  expect([body.metadata.attempts[0].config_key, dryRun.body.total_cost_micros]).toEqual([
    `replicate/ideogram-v3-${name}`,
    usd * 1e6,
  ])
  gateway.emulators.replicate.setScenario({ always: 'job_failed:E004' })
  const failed = await generate('replicate', part)
  const tried = new Set(JSON.stringify(failed.body).match(/replicate\/ideogram-v3-\w+/g))
  expect([failed.status >= 500, tried]).toEqual([true, new Set([`replicate/ideogram-v3-${name}`])])
})
