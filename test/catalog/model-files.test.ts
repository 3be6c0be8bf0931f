import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DONE_BY_THE_GATEWAY } from '#src/catalog/common-parameters.ts'
import { CatalogError, readModel, readModelFiles } from '#src/catalog/model-files.ts'
import { MODEL_SCHEMA_FILE, renderModelSchema } from '#src/cli/write-model-schema.ts'
import { readFirstModelFile } from '#test/helpers/models.ts'

const problemsOf = (file: unknown): readonly string[] => readModel(file).problems ?? []

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

  it('are described for editors by the schema that they are checked with', () => {
    expect(readFileSync(MODEL_SCHEMA_FILE, 'utf8')).toBe(renderModelSchema())
  })

  it('take over what they extend, and say what extends nothing', () => {
    const written = {
      ...readFirstModelFile(),
      mappings: { ...readFirstModelFile().mappings, other: { extends: 'fal', rules: {} } },
    }
    const { mappings } = readModel(written).file ?? {}
    expect(mappings?.['other']).toEqual(mappings?.['fal'])
    const fal = readFirstModelFile().mappings['fal']
    const lost = { ...written, mappings: { ...written.mappings, fal: { ...fal, extends: 'sea' } } }
    expect(problemsOf(lost)).toEqual(['/mappings/fal extends "sea", which there is none of'])
    const circle = { ...fal, extends: 'other' }
    expect(problemsOf({ ...written, mappings: { ...written.mappings, fal: circle } })).toEqual([
      '/mappings/fal extends "fal" in a circle',
    ])
  })

  it('need not say what many models have alike', () => {
    const { card, ...rest } = readFirstModelFile()
    const { size, n, response_format, ...parameters } = card.parameters
    const { file } = readModel({ ...rest, card: { ...card, parameters: { ...parameters, n: {} } } })
    expect(file?.card.parameters).toMatchObject({ size, n, response_format })
  })

  it('says which rules of sizes lead nowhere', () => {
    const file = readFirstModelFile()
    const rules = file.mappings['fal']?.rules
    if (!rules) throw new Error('no rules')
    rules['resolution'] = { join: 'size' }
    expect(problemsOf(file)).toEqual([
      '/mappings/fal/rules/resolution joins size, whose codec must make pixels',
    ])
    rules['size'] = { to: 'image_size', codec: 'nearest_size' }
    expect(problemsOf(file)).toEqual([
      '/mappings/fal/rules/size of nearest_size must have "values", such as "1024x1024"',
    ])
  })

  it('wants a rule for every parameter of the card in every mapping, so that none is lost in silence', () => {
    const file = readFirstModelFile()
    const done: readonly string[] = DONE_BY_THE_GATEWAY
    for (const parameter of Object.keys(file.card.parameters)) {
      if (done.includes(parameter)) continue
      const broken = structuredClone(file)
      delete broken.mappings['fal']?.rules[parameter]
      expect(problemsOf(broken)).toEqual([`/mappings/fal/rules lacks "${parameter}"`])
    }
  })

  it('names what is wrong with an offering', () => {
    const file = readFirstModelFile()
    const offering = file.offerings[0]
    if (!offering) throw new Error('no offering')
    offering.mapping = 'nowhere'
    offering.configKey = 'other/name'
    file.card.modes = ['text_to_image']
    expect(problemsOf(file)).toEqual([
      '/offerings/0/mapping "nowhere" is not one of the file\'s mappings',
      '/offerings/0/configKey must start with "gemini/"',
      '/offerings/0/modes names "image_edit", which the card does not',
      '/offerings/1/modes names "image_edit", which the card does not',
      '/offerings/3/modes names "image_edit", which the card does not',
      '/offerings/4/modes names "image_edit", which the card does not',
    ])
  })

  it('wants prices that say what an image costs, in the unit of what they count', () => {
    const file = readFirstModelFile()
    const [first, second] = file.offerings
    if (!first || !second) throw new Error('no offerings')
    first.prices = [
      { metric: 'output_image', unit: 'million_tokens', usd: 1 },
      { metric: 'request', unit: 'request', when: { telepathy: true } },
    ]
    second.prices = [{ metric: 'output_image_token', unit: 'million_tokens', usd: 30 }]
    expect(problemsOf(file)).toEqual([
      '/offerings/0/prices/0/unit of output_image must be image',
      '/offerings/0/prices/1 must have one of usd, usdByResolution and usdBySize',
      '/offerings/0/prices/1/when names "telepathy", which is no parameter of the card',
      '/offerings/1/prices say nothing of what an image costs',
    ])
    second.prices = [
      {
        metric: 'output_image_token',
        unit: 'million_tokens',
        usd: 30,
        tokensByResolution: { '1K': 1120 },
      },
    ]
    first.prices = [{ metric: 'output_image', unit: 'image', usd: 0.04 }]
    expect(problemsOf(file)).toEqual([])
  })

  it('takes pictures only as image and mask, and no mask that would be lost', () => {
    const file = readFirstModelFile()
    const { image } = file.card.parameters
    if (!image) throw new Error('no image')
    file.card.parameters['mask'] = { ...image, required: false }
    file.card.parameters['video'] = image
    for (const { rules } of Object.values(file.mappings)) {
      rules['mask'] = { to: 'mask_url' }
      rules['video'] = { unsupported: 'exclude' }
    }
    const rules = file.mappings['fal']?.rules
    if (rules) rules['mask'] = { unsupported: 'warn' }
    expect(problemsOf(file)).toEqual([
      '/card/parameters/video/type is "file", which only image and mask can be',
      '/mappings/fal/rules/mask must have "to" or "unsupported": "exclude"',
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
