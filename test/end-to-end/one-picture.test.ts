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
