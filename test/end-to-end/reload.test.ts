import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { FIRST_MODEL, readFirstModelFile } from '#test/helpers/models.ts'
import { ownModel, ownModels } from '#test/helpers/own-models.ts'
import { makePicture } from '#test/helpers/pictures.ts'
import { encodeForm, FORM_BOUNDARY, filePart, textPart } from '#test/helpers/raw-form.ts'
import {
  EDITS,
  GENERATIONS,
  resetEmulators,
  startTestGateway,
  TEST_KEY,
} from '#test/helpers/start-test-gateway.ts'
import { readSamples, total } from '#test/observability/read-metrics.ts'

const OWN = 'own-model'
const ADMIN = 'admin-key-of-reloads'
const LIMITED = 'key-of-two-models'

const folder = await mkdtemp(join(tmpdir(), 'fresnel-reload-'))
const models = ownModels(folder)
await models.put('first', ownModel('own-first'))
const clear = async () => {
  for (const name of await readdir(folder)) if (name !== 'keys.yaml') await rm(join(folder, name))
  await models.put('first', ownModel('own-first'))
}
const configFile = join(folder, 'keys.yaml')
await writeFile(configFile, `keys: [{ key: ${LIMITED}, models: [own-first, ${FIRST_MODEL}] }]`)
const gateway = await startTestGateway({
  environment: { MODELS_DIR: folder, GATEWAY_ADMIN_KEY: ADMIN, CONFIG_FILE: configFile },
})
afterAll(async () => {
  await gateway.close()
  await rm(folder, { recursive: true })
})
beforeEach(async () => {
  resetEmulators(gateway)
  await clear()
  await gateway.reload()
})

const generate = (model: string, headers: Record<string, string> = {}) =>
  gateway.post(GENERATIONS, { model, prompt: 'p' }, headers)
const samples = async () => {
  const headers = { authorization: `Bearer ${ADMIN}` }
  return readSamples(await (await fetch(`${gateway.url}/metrics`, { headers })).text())
}
const components = async () => {
  const { body } = await gateway.get('/openapi.json')
  return Object.keys(body.components.schemas)
}
const logged = (message: string) =>
  gateway
    .logText()
    .split('\n')
    .filter((line) => line.includes(`"${message}"`))
    .map((line) => JSON.parse(line))

describe('models that are read again', () => {
  it('are served everywhere once they are there', async () => {
    expect((await generate(OWN)).status).toBe(404)
    await models.put('own', ownModel(OWN))
    expect((await generate(OWN)).status).toBe(404)
    expect(await gateway.reload()).toBe(true)
    expect(logged('models were read again').at(-1)).toMatchObject({
      added: [OWN],
      removed: [],
      changed: [],
    })
    const made = await generate(OWN)
    expect([made.status, made.body.metadata.model]).toEqual([200, OWN])
    expect((await gateway.get(`/openai/v1/models/${OWN}?schema=true`)).body.schema).toHaveProperty(
      'text_to_image',
    )
    const listed = await gateway.get('/v1/models')
    expect(listed.body.data.map(({ id }: { id: string }) => id)).toContain(OWN)
    const offerings = await gateway.get(`/v1/models/${OWN}/providers`)
    expect(offerings.status).toBe(200)
    const page = await fetch(`${gateway.url}/v1/models/${OWN}/llms.txt`, {
      headers: { authorization: `Bearer ${TEST_KEY}` },
    })
    expect(await page.text()).toContain(OWN)
    expect(await components()).toContain(`${OWN}.text_to_image`)
    // Keys cannot be created without Redis, but their models are looked at first.
    const authorization = `Bearer ${ADMIN}`
    const keyFor = (model: string) =>
      gateway.post('/v1/keys', { models: [model] }, { authorization })
    expect((await keyFor('no-model')).body.error.param).toBe('models')
    expect((await keyFor(OWN)).body.error.param).not.toBe('models')
    const found = await gateway.get(`/v1/requests?model=${OWN}&status=completed`)
    expect(found.body.data).toHaveLength(1)
  })

  it('are counted under their own names', async () => {
    await models.put('own', ownModel(OWN))
    await gateway.reload()
    const named = { model: OWN, outcome: 'completed' }
    const before = total(await samples(), 'fresnel_requests_total', named)
    await generate(OWN)
    const after = await samples()
    expect(total(after, 'fresnel_requests_total', named)).toBe(before + 1)
    const ofAll = { offering: `fal/${OWN}`, mode: 'text_to_image' }
    expect(total(after, 'fresnel_offering_score', ofAll)).toBeGreaterThan(0)
    const state = { model: OWN, provider: 'fal', state: 'ok' }
    expect(total(after, 'fresnel_provider_state', state)).toBe(1)
  })

  it('take the place of the built-in ones of their id', async () => {
    const price = async () => {
      const body = { model: `fal/${FIRST_MODEL}`, prompt: 'p' }
      return (await gateway.post(`${GENERATIONS}?dryRun=true`, body)).body.total_cost_micros
    }
    const before = await price()
    const file = readFirstModelFile()
    const offering = file.offerings.find(({ provider }) => provider === 'fal')
    if (offering) offering.prices = [{ metric: 'output_image', unit: 'image', usd: 1.25 }]
    await models.put('replacing', file)
    expect(await gateway.reload()).toBe(true)
    expect(await price()).toBe(1_250_000)
    expect(logged('a model file replaces another').at(-1)).toMatchObject({
      modelId: FIRST_MODEL,
      path: join(folder, 'replacing.json'),
      replaced: expect.stringContaining('src/catalog/models/'),
    })
    await models.remove('replacing')
    expect(await gateway.reload()).toBe(true)
    expect(await price()).toBe(before)
  })

  it('stay as they were when anything is wrong, and all of it is logged', async () => {
    await models.put('own', ownModel(OWN))
    await gateway.reload()
    await models.put('broken', '{')
    await models.put(
      'colliding',
      ownModel('colliding', ({ card }) => {
        card.aliases = [FIRST_MODEL]
      }),
    )
    expect(await gateway.reload()).toBe(false)
    expect(logged('models were not changed: they cannot be read again').at(-1)).toMatchObject({
      level: 'error',
      problems: [
        expect.stringContaining(`${folder}/broken.json: `),
        expect.stringMatching(
          `^${folder}/colliding.json: /card/aliases/0 "${FIRST_MODEL}" is a name of .*/${'google--gemini-3.1-flash-image-preview'}.json, too`,
        ),
      ],
    })
    expect((await generate(OWN)).status).toBe(200)
    expect((await generate('colliding')).status).toBe(404)
  })

  it('are what the last of several readings found', async () => {
    const put = (name: string) =>
      models.put(
        'own',
        ownModel(OWN, ({ card }) => {
          card.name = name
        }),
      )
    await put('Early')
    const first = gateway.reload()
    await put('Late')
    expect(await Promise.all([first, gateway.reload()])).toEqual([true, true])
    expect((await gateway.get(`/v1/models/${OWN}`)).body.name).toBe('Late')
  })
})

describe('a model that is gone', () => {
  beforeEach(async () => {
    await models.put('own', ownModel(OWN))
    await gateway.reload()
  })
  const removeOwn = async () => {
    await models.remove('own')
    expect(await gateway.reload()).toBe(true)
  }

  it('is a 404, and no figure speaks of its offerings any more, but what was counted stays', async () => {
    await generate(OWN)
    const counted = total(await samples(), 'fresnel_requests_total', { model: OWN })
    await removeOwn()
    expect((await generate(OWN)).status).toBe(404)
    expect((await gateway.get(`/v1/models/${OWN}`)).status).toBe(404)
    const after = await samples()
    expect(total(after, 'fresnel_requests_total', { model: OWN })).toBe(counted)
    const offered = after.filter(({ labels }) => labels['offering']?.endsWith(`/${OWN}`))
    const states = after.filter(
      ({ name, labels }) => name === 'fresnel_provider_state' && labels['model'] === OWN,
    )
    expect([offered, states]).toEqual([[], []])
    expect(await components()).not.toContain(`${OWN}.text_to_image`)
    expect((await gateway.get(`/v1/requests?model=${OWN}`)).body.data.length).toBeGreaterThan(0)
  })

  it('serves the requests to their end that found it there, failovers included', async () => {
    gateway.emulators.fal.setScenario({
      latency: { p50Ms: 40_000, p95Ms: 41_000 },
      next: ['job_failed:internal_server_error'],
    })
    const only = { 'x-gateway-provider-order': 'fal,replicate' }
    const pending = generate(OWN, only)
    await expect.poll(() => gateway.emulators.fal.count('create')).toBe(1)
    await removeOwn()
    expect((await generate(OWN)).status).toBe(404)
    const { status, body } = await pending
    expect(status).toBe(200)
    expect(body.metadata.attempts.map(({ provider }: { provider: string }) => provider)).toEqual([
      'fal',
      'replicate',
    ])
    const { model, outcome } = { model: OWN, outcome: 'completed' }
    expect(total(await samples(), 'fresnel_requests_total', { model, outcome })).toBeGreaterThan(0)
  })

  it('serves a request that was still being sent when it went', async () => {
    const picture = await makePicture('png')
    const form = encodeForm([textPart('model', OWN), textPart('prompt', 'p'), filePart(picture)])
    const sending = httpRequest(gateway.url + EDITS, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${TEST_KEY}`,
        'content-type': `multipart/form-data; boundary=${FORM_BOUNDARY}`,
        'content-length': form.length,
      },
    })
    const answered = once(sending, 'response')
    sending.write(form.subarray(0, form.length - 100))
    await expect.poll(async () => total(await samples(), 'fresnel_requests_in_flight')).toBe(1)
    await removeOwn()
    sending.end(form.subarray(form.length - 100))
    const [response] = await answered
    response.resume()
    expect(response.statusCode).toBe(200)
  })

  it('is done when it was asked for later', async () => {
    gateway.emulators.fal.setScenario({ latency: { p50Ms: 20_000, p95Ms: 21_000 } })
    const headers = { prefer: 'respond-async', 'x-request-id': 'later-and-gone' }
    const taken = await generate(`fal/${OWN}`, headers)
    expect(taken.status).toBe(202)
    await removeOwn()
    await expect
      .poll(async () => (await gateway.get('/v1/requests/later-and-gone')).body.status)
      .toBe('completed')
  })

  it('leaves the keys that name it what else they name, and says so', async () => {
    const headers = { authorization: `Bearer ${LIMITED}` }
    expect((await generate('own-first', headers)).status).toBe(200)
    await models.remove('first')
    expect(await gateway.reload()).toBe(true)
    expect((await generate('own-first', headers)).status).toBe(404)
    expect((await generate(FIRST_MODEL, headers)).status).toBe(200)
    expect(logged('a key names models that are gone').at(-1)).toMatchObject({
      level: 'warn',
      missing: ['own-first'],
    })
  })
})
