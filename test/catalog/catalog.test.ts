import { describe, expect, it } from 'vitest'
import { createCatalog } from '#src/catalog/catalog.ts'
import { CatalogError } from '#src/catalog/model-files.ts'
import { GatewayError } from '#src/domain/errors.ts'
import { createFirstCatalog, FIRST_MODEL, readFirstModelFile } from '#test/helpers/models.ts'

const resolve = (name: string) => {
  const { model, forcedProvider } = createFirstCatalog().resolve(name)
  return [model.card.id, forcedProvider]
}

describe('resolving a model', () => {
  it.each([
    [FIRST_MODEL, undefined],
    ['gemini-3.1-flash-image', undefined],
    [`fal/${FIRST_MODEL}`, 'fal'],
    ['vertex/gemini-3.1-flash-image', 'vertex'],
    [`fal/${FIRST_MODEL}-edit`, 'fal'],
  ])('takes %s', (name, forcedProvider) => {
    expect(resolve(name)).toEqual([FIRST_MODEL, forcedProvider])
  })

  it.each(['nothing', `openai/${FIRST_MODEL}`, 'constructor', '__proto__', '', '/'])(
    'does not know "%s"',
    (name) => {
      expect(() => resolve(name)).toThrow(GatewayError)
    },
  )

  it('says what was probably meant', () => {
    expect(() => resolve('gemini-3.1-flash-imge')).toThrow('Did you mean "gemini-3.1-flash-image"?')
    expect(() => resolve('dall-e-3')).toThrow(/^Model "dall-e-3" does not exist\.$/)
  })

  it('refuses two models of one name', () => {
    expect(() => createCatalog([readFirstModelFile(), readFirstModelFile()])).toThrow(CatalogError)
  })
})
