import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CatalogError, findModelFileProblems, readModelFiles } from '#src/catalog/model-files.ts'
import { readFirstModelFile } from '#test/helpers/models.ts'

describe('model files', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fresnel-models-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('finds no problem in the files that come with the gateway', async () => {
    const files = await readModelFiles([
      new URL('../../src/catalog/models', import.meta.url).pathname,
    ])
    expect(files.map(({ card }) => card.id)).toContain('gemini-3.1-flash-image-preview')
  })

  it('wants a rule for every parameter of the card in every mapping, so that none is lost in silence', () => {
    const file = readFirstModelFile()
    for (const parameter of Object.keys(file.card.parameters)) {
      const broken = structuredClone(file)
      delete broken.mappings['fal']?.rules[parameter]
      expect(findModelFileProblems(broken)).toEqual([`/mappings/fal/rules lacks "${parameter}"`])
    }
  })

  it('names what is wrong with an offering', () => {
    const file = readFirstModelFile()
    const offering = file.offerings[0]
    if (!offering) throw new Error('no offering')
    offering.mapping = 'nowhere'
    offering.configKey = 'other/name'
    file.card.modes = ['text_to_image']
    expect(findModelFileProblems(file)).toEqual([
      '/offerings/0/mapping "nowhere" is not one of the file\'s mappings',
      '/offerings/0/configKey must start with "gemini/"',
      '/offerings/0/modes names "image_edit", which the card does not',
      '/offerings/1/modes names "image_edit", which the card does not',
      '/offerings/3/modes names "image_edit", which the card does not',
      '/offerings/4/modes names "image_edit", which the card does not',
    ])
  })

  it('reports the problems of all files at once, by file and path', async () => {
    await writeFile(join(folder, 'a.json'), '{')
    await writeFile(
      join(folder, 'b.json'),
      JSON.stringify({ ...readFirstModelFile(), offerings: [] }),
    )
    await writeFile(join(folder, 'ignored.txt'), 'x')
    const error = await readModelFiles([folder]).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(CatalogError)
    expect(String(error)).toContain(`${folder}/a.json: `)
    expect(String(error)).toContain(`${folder}/b.json: /offerings must NOT have fewer than 1 items`)
  })
})
