import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Emulator, Emulators } from '#test/emulators/emulator.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import { ask } from '#test/emulators/wire-client.ts'
import { FAL_MODELS } from './fal-models.ts'

let emulators: Emulators
let fal: Emulator

beforeAll(async () => {
  emulators = await startEmulators({ only: ['fal'] })
  fal = emulators.fal
})
afterAll(() => emulators.close())

describe("fal's OpenAPI documents", () => {
  const read = async (endpoint: string) =>
    ask(`${fal.url}/api/openapi/queue/openapi.json?endpoint_id=${encodeURIComponent(endpoint)}`)

  it.each(Object.keys(FAL_MODELS))('has one of %s, which asks for no key', async (endpoint) => {
    const { status, json } = await read(endpoint)
    expect(status).toBe(200)
    const document = json as {
      paths: Record<
        string,
        { post: { requestBody: { content: Record<string, { schema: { $ref: string } }> } } }
      >
      components: { schemas: Record<string, { properties: object; required: string[] }> }
    }
    const schema =
      document.paths[`/${endpoint}`]?.post.requestBody.content['application/json']?.schema
    const input = document.components.schemas[schema?.$ref.split('/').at(-1) ?? '']
    expect(Object.keys(input?.properties ?? {})).toEqual(
      Object.keys(FAL_MODELS[endpoint]?.fields ?? {}),
    )
    expect(input?.required).toContain('prompt')
  })

  it('writes enums, ranges, defaults and sizes as fal does', async () => {
    expect((await read('fal-ai/flux-2')).json).toMatchObject({
      openapi: '3.0.4',
      info: { 'x-fal-metadata': { endpointId: 'fal-ai/flux-2', category: 'text-to-image' } },
      servers: [{ url: 'https://queue.fal.run' }],
      components: {
        schemas: {
          Flux2Input: {
            required: ['prompt'],
            properties: {
              image_size: {
                anyOf: [
                  { $ref: '#/components/schemas/ImageSize' },
                  { type: 'string', enum: expect.arrayContaining(['square_hd']) },
                ],
                default: 'landscape_4_3',
              },
              num_images: { type: 'integer', minimum: 1, maximum: 4, default: 1 },
              output_format: { type: 'string', enum: ['jpeg', 'png', 'webp'], default: 'png' },
            },
          },
          Flux2Output: {
            required: ['images', 'timings', 'seed', 'has_nsfw_concepts', 'prompt'],
            properties: { images: { items: { $ref: '#/components/schemas/ImageFile' } } },
          },
        },
      },
    })
  })

  it('has none of an endpoint that does not exist', async () => {
    expect((await read('fal-ai/nothing')).status).toBe(404)
  })
})
