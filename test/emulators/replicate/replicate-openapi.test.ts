import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Emulator, Emulators } from '#test/emulators/emulator.ts'
import { connectReplicate } from '#test/emulators/sdk-clients.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import { ask } from '#test/emulators/wire-client.ts'
import { REPLICATE_MODELS } from './replicate-models.ts'

let emulators: Emulators
let replicate: Emulator

beforeAll(async () => {
  emulators = await startEmulators({ only: ['replicate'] })
  replicate = emulators.replicate
})
afterAll(() => emulators.close())

describe('the model pages of the API', () => {
  it.each(Object.keys(REPLICATE_MODELS))('describe %s', async (model) => {
    const [owner = '', name = ''] = model.split('/')
    const page = await connectReplicate(replicate).models.get(owner, name)
    const { openapi_schema: schema } = page.latest_version as {
      openapi_schema: { components: { schemas: Record<string, { properties: object }> } }
    }
    const { Input: input } = schema.components.schemas
    expect(page).toMatchObject({ owner, name, visibility: 'public' })
    expect(Object.keys(input?.properties ?? {})).toEqual(
      Object.keys(REPLICATE_MODELS[model]?.fields ?? {}),
    )
  })

  it('writes enums, ranges and outputs as Replicate does', async () => {
    const { models } = connectReplicate(replicate)
    const { latest_version: version } = await models.get('black-forest-labs', 'flux-schnell')
    expect(version).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f]{64}$/),
      openapi_schema: {
        components: {
          schemas: {
            Input: {
              required: ['prompt'],
              properties: {
                prompt: { type: 'string', title: 'Prompt', 'x-order': 0 },
                aspect_ratio: {
                  allOf: [{ $ref: '#/components/schemas/aspect_ratio' }],
                  default: '1:1',
                },
                num_outputs: { type: 'integer', minimum: 1, maximum: 4, default: 1 },
              },
            },
            aspect_ratio: { type: 'string', enum: expect.arrayContaining(['9:21']) },
            Output: { type: 'array', items: { type: 'string', format: 'uri' }, title: 'Output' },
          },
        },
      },
    })
  })

  it('ask for a token and know no other models', async () => {
    expect((await ask(`${replicate.url}/v1/models/google/nano-banana-2`)).status).toBe(401)
    await expect(connectReplicate(replicate).models.get('google', 'nothing')).rejects.toMatchObject(
      { response: { status: 404 } },
    )
  })
})
