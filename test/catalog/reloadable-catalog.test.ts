import { describe, expect, it } from 'vitest'
import { createCatalog } from '#src/catalog/catalog.ts'
import { createReloadableCatalog } from '#src/catalog/reloadable-catalog.ts'
import { GatewayError } from '#src/domain/errors.ts'
import { ownModel } from '#test/helpers/own-models.ts'

const catalogOf = (...ids: string[]) => createCatalog(ids.map((id) => ownModel(id)))

describe('a reloadable catalogue', () => {
  it('shows the new catalogue to whoever holds it, and the old one to whoever holds that', () => {
    const catalog = createReloadableCatalog(catalogOf('a', 'b'))
    const before = catalog.current
    catalog.replace(catalogOf('b', 'c'))
    expect(catalog.models.map(({ card }) => card.id)).toEqual(['b', 'c'])
    expect(catalog.resolve('c').model).toBe(catalog.models[1])
    expect(() => catalog.resolve('a')).toThrow(GatewayError)
    expect(before.resolve('a').model.card.id).toBe('a')
    expect(before.current).toBe(before)
  })

  it('says what has changed', () => {
    const catalog = createReloadableCatalog(catalogOf('a', 'b', 'c'))
    const b = ownModel('b', ({ card }) => {
      card.description = 'Another.'
    })
    expect(catalog.replace(createCatalog([b, ownModel('c'), ownModel('d')]))).toEqual({
      added: ['d'],
      removed: ['a'],
      changed: ['b'],
    })
  })

  it('tells its listeners before the new catalogue counts, so that nobody is asked for what they do not know', () => {
    const catalog = createReloadableCatalog(catalogOf('a'))
    const seen: string[][] = []
    catalog.onReload(({ models }) =>
      seen.push([...models, ...catalog.models].map(({ card }) => card.id)),
    )
    catalog.replace(catalogOf('b'))
    expect(seen).toEqual([['b', 'a']])
  })

  it('keeps the old one when a listener cannot take the new one in', () => {
    const catalog = createReloadableCatalog(catalogOf('a'))
    catalog.onReload(() => {
      throw new Error('no')
    })
    expect(() => catalog.replace(catalogOf('b'))).toThrow('no')
    expect(catalog.resolve('a').model.card.id).toBe('a')
  })
})
