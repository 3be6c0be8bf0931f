import { describe, expect, it } from 'vitest'
import { createSuggestName } from '#src/catalog/suggest-name.ts'
import { createWholeCatalog } from '#test/helpers/models.ts'

const catalog = await createWholeCatalog()

const messageFor = (name: string): string => {
  try {
    catalog.resolve(name)
    return 'it exists'
  } catch (error) {
    return (error as Error).message
  }
}

describe('a name that no model has', () => {
  it.each([
    ['nano-bananna-2', 'nano-banana-2'],
    ['flux-shnell', 'flux-schnell'],
    ['gptimage-2', 'gpt-image-2'],
    ['seedream4', 'seedream-4'],
    ['gemini-3-pro-image-previw', 'gemini-3-pro-image-preview'],
    ['black-forest-labs/flux-shnell', 'black-forest-labs/flux-schnell'],
    ['fal-ai/nano-bananna-2', 'fal-ai/nano-banana-2'],
  ])('%s is misspelt: %s is suggested', (asked, meant) => {
    expect(messageFor(asked)).toBe(`Model "${asked}" does not exist. Did you mean "${meant}"?`)
  })

  it.each([
    ['GPT-Image-2', 'gpt-image-2'],
    ['Nano Banana Pro', 'nano-banana-pro'],
    ['nano_banana_2', 'nano-banana-2'],
  ])('%s is written otherwise: %s is suggested', (asked, meant) => {
    expect(messageFor(asked)).toContain(`Did you mean "${meant}"?`)
  })

  it.each([
    ['qwen', 'qwen-image'],
    ['kontext', 'flux-kontext'],
    ['seedream-5', 'seedream-5-lite'],
    ['gpt-image-1', 'gpt-image-1.5'],
    ['qwen-image-2511', 'qwen-image-edit-2511'],
    ['ideogram-v3-turbo', 'replicate/ideogram-v3-turbo'],
  ])('%s is short of words: %s is suggested', (asked, meant) => {
    expect(messageFor(asked)).toContain(`Did you mean "${meant}"?`)
  })

  it.each([
    ['fal/nano-bananna-2', 'fal/nano-banana-2'],
    ['replicate/flux-shnell', 'replicate/flux-schnell'],
    ['replicat/flux-dev', 'replicate/flux-dev'],
  ])('%s names a provider: %s is suggested', (asked, meant) => {
    expect(messageFor(asked)).toContain(`Did you mean "${meant}"?`)
  })

  it.each([
    ['vertex/flux-schnell', 'flux-schnell'],
    ['gemini/seedream4', 'seedream-4'],
    ['openai/nano-banana-2', 'nano-banana-2'],
  ])('%s names one that does not serve the model: %s is suggested', (asked, meant) => {
    expect(messageFor(asked)).toContain(`Did you mean "${meant}"?`)
  })

  it.each(['dall-e-3', 'imagen-4', 'stable-diffusion-xl', 'gpt-4o', 'nothing', '2', '/', ''])(
    '"%s" is like none, and nothing is suggested',
    (asked) => {
      expect(messageFor(asked)).toBe(`Model "${asked}" does not exist.`)
    },
  )

  it('is compared with none where there is none', () => {
    expect(createSuggestName([], new Map())('flux-schnell')).toBeUndefined()
  })

  it('is suggested nothing but names that resolve', () => {
    const known = catalog.models.flatMap(({ card }) => [card.id, ...card.aliases])
    for (const name of known) {
      const meant = /Did you mean "(.*)"\?/.exec(messageFor(`${name}x`))?.[1] ?? ''
      expect([name, messageFor(meant)]).toEqual([name, 'it exists'])
    }
  })
})
