import { FIRST_MODEL } from '#test/helpers/models.ts'
import { makePicture } from '#test/helpers/pictures.ts'
import { EDITS, GENERATIONS, TEST_KEY, type TestGateway } from '#test/helpers/start-test-gateway.ts'

/** Text that must appear nowhere in the metrics. */
export const PLANTED = 'planted-prompt-zebra'

/** What the answers of the mixed run said. */
export interface MixedRun {
  /** Of the answers with images. */
  readonly costUsd: number
  readonly images: number
  /** Provider and outcome of each attempt of those answers, as in `metadata.attempts`. */
  readonly attempts: readonly { readonly provider: string; readonly outcome: string }[]
  readonly statuses: readonly number[]
}

interface Answered {
  readonly data?: readonly unknown[]
  readonly metadata?: {
    readonly cost: number
    readonly attempts: readonly { readonly provider: string; readonly error_code?: string }[]
  }
}

const postForm = async (gateway: TestGateway): Promise<{ status: number; body: Answered }> => {
  const form = new FormData()
  form.set('model', FIRST_MODEL)
  form.set('prompt', PLANTED)
  form.append('image', new Blob([new Uint8Array(await makePicture())]), 'picture.png')
  const response = await fetch(gateway.url + EDITS, {
    method: 'POST',
    headers: { authorization: `Bearer ${TEST_KEY}` },
    body: form,
  })
  return { status: response.status, body: (await response.json()) as Answered }
}

/** Requests of all kinds, one after another: served, failed over, refused, wrong, without a key, not served at all. */
export const runMixed = async (gateway: TestGateway): Promise<MixedRun> => {
  const { gemini } = gateway.emulators
  const ask = (part: object, headers = {}) =>
    gateway.post(GENERATIONS, { model: FIRST_MODEL, prompt: PLANTED, ...part }, headers)
  const answers: { readonly status: number; readonly body: Answered }[] = [
    await ask({}),
    await ask({ n: 2, output_format: 'webp' }),
    await ask({ model: `fal/${FIRST_MODEL}`, quality: 'high' }),
    await ask({ model: `replicate/${FIRST_MODEL}`, [PLANTED]: true }),
    await postForm(gateway),
  ]
  gemini.setScenario({ always: 'unavailable' })
  answers.push(await ask({ provider: { order: ['gemini', 'fal'] } }))
  gemini.setScenario({ always: 'refusal' })
  answers.push(await ask({ model: `gemini/${FIRST_MODEL}` }))
  gemini.setScenario({})
  answers.push(
    await ask({ model: PLANTED }),
    await ask({ n: 99 }),
    await ask({}, { authorization: 'Bearer planted-wrong-key' }),
    await gateway.get(`/v1/${PLANTED}`),
  )
  const served = answers.flatMap(({ body }) => (body.metadata ? [body] : []))
  return {
    costUsd: served.reduce((sum, { metadata }) => sum + (metadata?.cost ?? 0), 0),
    images: served.reduce((sum, { data }) => sum + (data?.length ?? 0), 0),
    attempts: served.flatMap(({ metadata }) =>
      (metadata?.attempts ?? []).map(({ provider, error_code }) => ({
        provider,
        outcome: error_code?.toLowerCase() ?? 'completed',
      })),
    ),
    statuses: answers.map(({ status }) => status),
  }
}
