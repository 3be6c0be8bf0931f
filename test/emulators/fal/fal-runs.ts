import { expect } from 'vitest'
import type { Emulator } from '#test/emulators/emulator.ts'
import { connectFal } from '#test/emulators/sdk-clients.ts'
import { FAL_MODELS } from './fal-models.ts'

/** What a model answers. */
export interface FalAnswer {
  readonly images: readonly Readonly<Record<string, unknown>>[]
  readonly [extra: string]: unknown
}

type Input = Readonly<Record<string, unknown>>

/** Runs jobs without latency through fal's official client. */
export interface FalRuns {
  /** Submits and reads the result. */
  run(endpoint: string, input: Input): Promise<FalAnswer>
  /** The errors of an input that has to be refused, each as `field: type`. */
  problemsOf(endpoint: string, input: Input): Promise<string[]>
}

export const falRuns = (fal: Emulator): FalRuns => {
  const run = async (endpoint: string, input: Input): Promise<FalAnswer> => {
    const { queue } = connectFal(fal)
    const { request_id: requestId } = await queue.submit(endpoint, { input })
    const { data } = await queue.result(endpoint, { requestId })
    return data as FalAnswer
  }
  const problemsOf = async (endpoint: string, input: Input): Promise<string[]> => {
    const error = await run(endpoint, input).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'ValidationError', status: 422 })
    const { detail } = (error as { body: { detail: { loc: string[]; type: string }[] } }).body
    return detail.map(({ loc, type }) => `${loc.slice(1).join('.')}: ${type}`)
  }
  return { run, problemsOf }
}

/** A prompt, and a picture in each field that an endpoint cannot do without or edits by. */
export const falInput = (endpoint: string, picture: string): Input => {
  const fields = FAL_MODELS[endpoint]?.fields ?? {}
  const prompt = 'A lighthouse at dusk'
  const mask = fields.mask_url?.isRequired ? { mask_url: picture } : {}
  if ('image_url' in fields) return { prompt, image_url: picture, ...mask }
  const isEdit = 'image_urls' in fields && /edit|multi/.test(endpoint)
  return isEdit ? { prompt, image_urls: [picture] } : { prompt }
}
