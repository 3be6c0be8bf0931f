import { afterAll, beforeAll, expect, it } from 'vitest'
import { EMULATED_PROVIDERS, EMULATOR_KEYS } from '#test/emulators/emulator.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { EDITS, GENERATIONS, TEST_KEY } from '#test/helpers/start-test-gateway.ts'
import { makePlantedPicture, piecesOf } from '#test/security/planted-values.ts'
import { startTracedGateway, type TracedGateway } from './traced-gateway.ts'

const PLANTED = {
  prompt: 'planted-prompt-zebra',
  user: 'planted-user',
  wrongKey: 'planted-wrong-key',
  path: 'planted-path',
  query: 'planted-query',
  exportHeader: 'planted-export-header',
  parameter: 'planted-parameter',
  model: 'planted-model',
  agent: 'planted-agent',
  idempotencyKey: 'planted-idempotency-key',
}

let gateway: TracedGateway
let answered: Buffer[]
let picture: Buffer
/** Of a file at a provider, which is open to whoever knows it. */
let filePath: string
/** Bodies of all exports. */
let exported: string

const imagesOf = (body: { data?: readonly { b64_json?: string }[] }): Buffer[] =>
  (body.data ?? []).flatMap(({ b64_json }) => (b64_json ? [Buffer.from(b64_json, 'base64')] : []))

/** Generations, edits, refusals and failures at every provider. */
const runAll = async (): Promise<void> => {
  const post = async (path: string, part: object, headers = {}) => {
    const body = { model: FIRST_MODEL, prompt: PLANTED.prompt, user: PLANTED.user, ...part }
    const answer = await gateway.post(path, body, { 'user-agent': PLANTED.agent, ...headers })
    answered.push(...imagesOf(answer.body))
  }
  await post(GENERATIONS, { model: `fal/${FIRST_MODEL}` })
  const { fal } = gateway.emulators
  filePath = fal.calls.find(({ kind }) => kind === 'file')?.path ?? ''
  const url = `${fal.url}${filePath}?key=${PLANTED.query}`
  const uri = `data:image/png;base64,${picture.toString('base64')}`
  for (const provider of EMULATED_PROVIDERS) {
    const model = `${provider}/${FIRST_MODEL}`
    await post(GENERATIONS, { model, output_format: 'avif', response_format: 'b64_json' })
    await post(GENERATIONS, { model, response_format: 'url', [PLANTED.parameter]: 1 })
    await post(EDITS, { model, images: [{ image_url: url }, { image_url: uri }] })
    await post(EDITS, { model, image_url: `${fal.url}/${PLANTED.path}?key=${PLANTED.query}` })
    await post(GENERATIONS, { model }, { 'idempotency-key': PLANTED.idempotencyKey + provider })
    gateway.emulators[provider].setScenario({ always: 'refusal' })
    await post(GENERATIONS, { model })
    gateway.emulators[provider].setScenario({ always: 'server_error' })
    await post(GENERATIONS, { model })
    gateway.emulators[provider].setScenario({})
  }
  await post(GENERATIONS, { model: PLANTED.model })
  await post(GENERATIONS, {}, { authorization: `Bearer ${PLANTED.wrongKey}` })
  await post(`${GENERATIONS}?${PLANTED.query}=1`, { n: 99 })
}

beforeAll(async () => {
  answered = []
  picture = await makePlantedPicture()
  gateway = await startTracedGateway({
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=${PLANTED.exportHeader}`,
    LOG_LEVEL: 'trace',
  })
  gateway.collector.answerWith(403)
  await runAll()
  await gateway.endSpans()
  exported = gateway.collector.exports.map(({ body }) => body.toString('latin1')).join('')
}, 60_000)
afterAll(() => gateway.close())

const isIn = (text: string, values: readonly string[]): string[] =>
  values.filter((value) => text.includes(value))

it('spans hold no prompt, key, picture, path or query', () => {
  expect(answered.length).toBeGreaterThan(3)
  expect(filePath).not.toBe('')
  const planted = [
    ...Object.values(PLANTED),
    ...Object.values(EMULATOR_KEYS).flatMap((key) => [key, ...key.split(':')]),
    TEST_KEY,
    filePath,
    ...[picture, ...answered].flatMap(piecesOf),
  ]
  expect(isIn(exported, planted)).toEqual([])
})

it('what spans hold is found again in all that is searched', () => {
  const marks = [
    ...['generate images', 'edit images', 'transcode image', 'store image', 'GET'],
    ...['client_input', 'content_rejected', 'overloaded', 'MODEL_NOT_FOUND'],
  ]
  expect(isIn(exported, marks)).toEqual(marks)
})

it('the log tells that exports fail, but not with which headers', () => {
  expect(gateway.logText()).toContain('traces cannot be exported')
  expect(gateway.logText()).not.toContain(PLANTED.exportHeader)
})
