import type { Prediction } from 'replicate'
import { expect } from 'vitest'
import type { Emulator } from '#test/emulators/emulator.ts'
import { connectReplicate } from '#test/emulators/sdk-clients.ts'
import { createPrediction, inspect } from '#test/emulators/wire-client.ts'
import { REPLICATE_MODELS } from './replicate-models.ts'

type Input = Readonly<Record<string, unknown>>

/** Runs predictions without latency. */
export interface ReplicateRuns {
  /** Creates one through the official client and waits for its end. */
  run(model: string, input: Input): Promise<Prediction>
  /** The pictures of a prediction that has to succeed, each as `png 1024x1024`. */
  picturesOf(model: string, input: Input): Promise<string[]>
  /** The wrong fields of a create that has to be refused, each as `field: type`. */
  problemsOf(model: string, input: Input): Promise<string[]>
}

export const replicateRuns = (replicate: Emulator): ReplicateRuns => {
  const run = (model: string, input: Input): Promise<Prediction> =>
    connectReplicate(replicate).predictions.create({ model, input, wait: 10 })
  const picturesOf = async (model: string, input: Input): Promise<string[]> => {
    const { status, output } = await run(model, input)
    expect(status).toBe('succeeded')
    const urls: string[] = Array.isArray(output) ? output : [output]
    return Promise.all(
      urls.map(async (url) => {
        const bytes = Buffer.from(await (await fetch(url)).arrayBuffer())
        const { format, width, height } = await inspect(bytes)
        return `${format} ${width}x${height}`
      }),
    )
  }
  const problemsOf = async (model: string, input: Input): Promise<string[]> => {
    const { status, json } = await createPrediction(replicate, input, {}, model)
    expect(status).toBe(422)
    const { title, invalid_fields: fields } = json as {
      title: string
      invalid_fields: { field: string; type: string }[]
    }
    expect(title).toBe('Input validation failed')
    return fields.map(({ field, type }) => `${field}: ${type}`)
  }
  return { run, picturesOf, problemsOf }
}

export const PROMPT = 'A lighthouse at dusk'

/** A prompt, and a picture where a model cannot do without one. */
export const replicateInput = (model: string, picture: string): Input =>
  REPLICATE_MODELS[model]?.fields.image?.isRequired
    ? { prompt: PROMPT, image: [picture] }
    : { prompt: PROMPT }
