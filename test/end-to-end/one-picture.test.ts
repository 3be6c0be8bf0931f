import { expect, it } from 'vitest'
import { gatewayOfFile } from '#test/helpers/gateway-of-file.ts'
import { GENERATIONS } from '#test/helpers/start-test-gateway.ts'

const gateway = await gatewayOfFile()

// All but one picture of a call would be paid for and thrown away.
it.each(['seedream-4', 'seedream-4.5', 'seedream-5-lite'])(
  '%s is not let make more pictures at Replicate than n says',
  async (model) => {
    const wish = { sequential_image_generation: 'auto', max_images: 4 }
    const { body } = await gateway.post(GENERATIONS, {
      model: `replicate/${model}`,
      prompt: 'a lighthouse',
      ...wish,
    })
    const [call] = gateway.emulators.replicate.calls
    expect(call?.body).toMatchObject({ input: { sequential_image_generation: 'disabled' } })
    expect(body.warnings).toEqual([
      expect.objectContaining({ type: 'unsupported', param: 'sequential_image_generation' }),
    ])
  },
)

it.each(['seedream-4', 'seedream-4.5', 'seedream-5-lite'])(
  '%s is not let make more pictures at fal than n says',
  async (model) => {
    const { body } = await gateway.post(GENERATIONS, {
      model: `fal/${model}`,
      prompt: 'a lighthouse',
      n: 2,
      max_images: 4,
    })
    const [call] = gateway.emulators.fal.calls
    expect(call?.body).toMatchObject({ num_images: 2, max_images: 1 })
    expect(body.data).toHaveLength(2)
    expect(body.warnings).toEqual([
      expect.objectContaining({ type: 'unsupported', param: 'max_images' }),
    ])
  },
)
