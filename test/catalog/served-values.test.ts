import { describe, expect, it } from 'vitest'
import { createCatalog } from '#src/catalog/catalog.ts'
import { mapParameters } from '#src/catalog/parameter-mapping.ts'
import type { Mode } from '#src/domain/model-card.ts'
import type { ModelFile } from '#src/domain/model-file.ts'
import { readAllModelFiles } from '#test/helpers/models.ts'
import { ordersFor } from './offering-orders.ts'

const files = await readAllModelFiles()
const catalog = createCatalog(files)

/** Orders of a mode that every offering excludes. */
const unserved = (file: ModelFile, mode: Mode): string[] => {
  const { model } = catalog.resolve(file.card.id)
  const offerings = file.offerings.filter(({ modes }) => modes.includes(mode))
  const isServed = new Map<string, boolean>()
  for (const offering of offerings) {
    for (const { what, parameters, hasMask } of ordersFor(file, offering, mode)) {
      const { excludedBy } = mapParameters(model.mappingOf(offering), parameters, { hasMask })
      isServed.set(what, isServed.get(what) === true || !excludedBy)
    }
  }
  return [...isServed].flatMap(([what, is]) => (is ? [] : [what]))
}

describe('every value of every parameter', () => {
  it.each(
    files.flatMap((file) => file.card.modes.map((mode) => [file.card.id, mode, file] as const)),
  )('of %s is served by one offering at least for %s', (_, mode, file) => {
    expect(unserved(file, mode)).toEqual([])
  })
})
