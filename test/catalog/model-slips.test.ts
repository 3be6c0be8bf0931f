import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { type CatalogError, readModel, readModelFiles } from '#src/catalog/model-files.ts'
import type { ModelFile } from '#src/domain/model-file.ts'
import type { PriceRule } from '#src/domain/offering.ts'
import { readFirstModelFile } from '#test/helpers/models.ts'
import { ownModel } from '#test/helpers/own-models.ts'

const problemsOf = (change: (file: ModelFile) => void): readonly string[] => {
  const file = readFirstModelFile()
  change(file)
  return readModel(file).problems ?? []
}

const withPrices = (prices: PriceRule[], change: (file: ModelFile) => void = () => undefined) =>
  problemsOf((file) => {
    change(file)
    const [offering] = file.offerings
    if (offering) offering.prices = prices
  })

const image = (usd: number, when?: PriceRule['when']): PriceRule => ({
  metric: 'output_image',
  unit: 'image',
  usd,
  ...(when && { when }),
})

describe('prices that cannot be meant', () => {
  it.each([Number('1e999'), -0.01, 1e300])('are no price: %s', (usd) => {
    expect(withPrices([image(usd)])).toEqual([
      expect.stringMatching(/^\/offerings\/0\/prices\/0\/usd must be /),
    ])
    expect(withPrices([{ ...image(1), firstUsd: usd }])).toEqual([
      expect.stringMatching(/^\/offerings\/0\/prices\/0\/firstUsd must be /),
    ])
  })

  it('are those that no request can meet', () => {
    expect(
      withPrices([
        image(0.1, { resolution: ['1K', '3K'] }),
        image(0.2, { enable_web_search: 'true' }),
        image(0.3, { seed: [] }),
        image(0.4, { seed: 0.5 }),
        image(0.5, { prompt: null }),
        image(0.6, { telepathy: true }),
      ]),
    ).toEqual([
      '/offerings/0/prices/0/when/resolution has "3K", which no request has',
      '/offerings/0/prices/1/when/enable_web_search has "true", which no request has',
      '/offerings/0/prices/2/when/seed has no value, and is never met',
      '/offerings/0/prices/3/when/seed has 0.5, which no request has',
      '/offerings/0/prices/4/when/prompt has null, which no request has',
      '/offerings/0/prices/5/when names "telepathy", which is no parameter of the card',
    ])
  })

  it('are those that leave a request free', () => {
    const nothing = '/offerings/0/prices say nothing of what an image costs with'
    const search = { enable_web_search: true }
    expect(withPrices([image(0.1, search)])).toEqual([`${nothing} no enable_web_search`])
    expect(withPrices([image(0.1, { enable_web_search: [true, null] })])).toEqual([
      `${nothing} enable_web_search false`,
    ])
    expect(withPrices([image(0.1, { seed: [1, null] })])).toEqual([`${nothing} seed "any other"`])
    const tiers = ['auto', '0.5K', '1K', '2K']
    expect(withPrices([image(0.1, search), image(0.2, { resolution: [...tiers, null] })])).toEqual([
      `${nothing} no enable_web_search and resolution "4K"`,
    ])
    expect(withPrices([image(0.1, search), image(0.2)])).toEqual([])
    expect(
      withPrices([image(0.1, search), image(0.2, { enable_web_search: [false, null] })]),
    ).toEqual([])
  })

  it('are not those of values that the offering does not take', () => {
    const dearest = [image(0.1, { resolution: ['1K', 'auto', null] })]
    const takes = (values: string[]) => (file: ModelFile) => {
      const rules = file.mappings[file.offerings[0]?.mapping ?? '']?.rules ?? {}
      rules['resolution'] = { to: 'size', values, otherwise: 'exclude' }
    }
    expect(withPrices(dearest, takes(['1K']))).toEqual([])
    expect(withPrices(dearest, takes(['1K', '2K']))).toEqual([
      '/offerings/0/prices say nothing of what an image costs with resolution "2K"',
    ])
  })

  it('are not those of requests that its mapping leaves to other offerings', () => {
    const searching = [image(0.1, { enable_web_search: true })]
    const only = (condition: object) => (file: ModelFile) => {
      Object.assign(file.mappings[file.offerings[0]?.mapping ?? ''] ?? {}, { onlyFor: [condition] })
    }
    expect(withPrices(searching, only({ enable_web_search: true }))).toEqual([])
    expect(withPrices(searching, only({ enable_web_search: [true, null] }))).toEqual([
      '/offerings/0/prices say nothing of what an image costs with no enable_web_search',
    ])
    expect(withPrices([image(0.1)], only({ enable_web_search: 'yes', telepathy: 1 }))).toEqual([
      '/mappings/gemini/onlyFor/0/enable_web_search has "yes", which no request has',
      '/mappings/gemini/onlyFor/0 names "telepathy", which is no parameter of the card',
    ])
  })

  it('have a price of the first megapixel beside none of the others', () => {
    const rule = { metric: 'output_megapixel', unit: 'megapixel', usd: 0, firstUsd: 0.03 } as const
    expect(withPrices([rule])).toEqual([
      '/offerings/0/prices/0/firstUsd must stand beside a usd above 0',
    ])
  })
})

describe('names that cannot be asked for', () => {
  it.each([
    'a\nb',
    'a b',
    'what?',
    'no#1',
    '50%25',
    'a\\b',
    '/a',
    'a/',
    'a//b',
    '..',
    'a/../b',
    './a',
    'a/llms.txt',
    'a/providers',
    'maker/a/routing',
  ])('are refused: %j', (name) => {
    const idProblems = problemsOf(({ card }) => {
      card.id = name
    })
    expect(idProblems).toEqual([expect.stringMatching(/^\/card\/id does not fit: Canonical/)])
    const aliasProblems = problemsOf(({ card }) => {
      card.aliases = ['fine', name]
    })
    expect(aliasProblems).toEqual([expect.stringMatching(/^\/card\/aliases\/1 does not fit: Id;/)])
    const keyProblems = problemsOf(({ offerings: [offering] }) => {
      if (offering) offering.configKey = `gemini/${name}`
    })
    expect(keyProblems).toEqual([
      expect.stringMatching(/^\/offerings\/0\/configKey does not fit: <provider>/),
    ])
  })

  it.each(['a.b', 'Maker/model:v1.2@fast_3+4~5', 'a/providers/b', 'routing', '模型'])(
    'are not these: %s',
    (name) => {
      const rename = ({ card }: ModelFile) => {
        card.id = name
      }
      expect(problemsOf(rename)).toEqual([])
    },
  )
})

describe('ranges with nothing in them', () => {
  it('are named with their ends', () => {
    expect(
      problemsOf(({ card, mappings }) => {
        const { seed, prompt } = card.parameters
        Object.assign(seed ?? {}, { minimum: 10, maximum: 1 })
        Object.assign(prompt ?? {}, { minLength: 2, maxLength: 1 })
        const rules = mappings['fal']?.rules ?? {}
        rules['seed'] = { to: 'seed', within: [4, 1] }
        rules['size'] = {
          to: 'image_size',
          codec: 'free_size',
          bounds: { minSide: 2, maxSide: 1, minPixels: 10, maxPixels: 10 },
        }
      }),
    ).toEqual([
      '/card/parameters/prompt/minLength 2 is greater than maxLength 1',
      '/card/parameters/seed/minimum 10 is greater than maximum 1',
      '/mappings/fal/rules/seed/within begins with 4, and ends with 1',
      '/mappings/fal/rules/size/bounds/minSide 2 is greater than maxSide 1',
    ])
  })
})

describe('model files in a folder', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fresnel-slips-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  const put = (name: string, text: string) => writeFile(join(folder, name), text)
  const problemsIn = (providers?: readonly string[]): Promise<readonly string[]> =>
    readModelFiles([folder], providers && { providers }).then(
      () => [],
      (error: unknown) => (error as CatalogError).problems,
    )

  it('are JSON and YAML, whatever the case of their ending, with a byte order mark or without', async () => {
    await put('a.json', `\uFEFF${JSON.stringify(ownModel('a'))}`)
    await put('b.JSON', JSON.stringify(ownModel('b')))
    await put('c.yaml', `\uFEFF${stringify(ownModel('c'))}`)
    await put('d.Yml', stringify(ownModel('d')))
    await put('model-file.schema.JSON', '{}')
    await put('.e.yaml.swp', 'x')
    await put('.e.yaml', 'x')
    await put('notes.md', 'x')
    const files = await readModelFiles([folder])
    expect(files).toEqual(['a', 'b', 'c', 'd'].map((id) => ownModel(id)))
  })

  it('of YAML that cannot be read are named with the line, and never quoted', async () => {
    await put('a.yaml', 'card:\n  id: "secret\n')
    await put('b.yaml', 'card: &card\n  id: *card\n')
    const problems = await problemsIn()
    expect(problems).toEqual([
      expect.stringMatching(/\/a\.yaml: line \d cannot be read \([A-Z_]+\)$/),
      `${folder}/b.yaml: refers to itself, or too often`,
    ])
    expect(String(problems)).not.toContain('secret')
  })

  it('are no YAML files about something else, of which somebody is told', async () => {
    await put('fresnel.yaml', 'keys: [{ key: some }]')
    await put('empty.yml', '')
    await put('list.yaml', '[card]')
    await put('own.yaml', stringify(ownModel('own')))
    const others: string[] = []
    const files = await readModelFiles([folder], { onOther: (path) => others.push(path) })
    expect(files).toEqual([ownModel('own')])
    expect(others).toEqual(
      ['empty.yml', 'fresnel.yaml', 'list.yaml'].map((name) => join(folder, name)),
    )
    await put('half.yaml', 'offerings: []')
    expect(await problemsIn()).toContain(`${folder}/half.yaml: / lacks "card"`)
  })

  it('name only providers that there are, where these are known', async () => {
    const rename = (provider: string) => (file: ModelFile) => {
      const [offering] = file.offerings
      if (!offering) return
      offering.provider = provider
      offering.configKey = `${provider}/own`
    }
    await put('a.json', JSON.stringify(ownModel('a', rename('repliacte'))))
    await put('b.json', JSON.stringify(ownModel('b', rename('nobody'))))
    expect(await problemsIn(['gemini', 'vertex', 'fal', 'replicate'])).toEqual([
      `${folder}/a.json: /offerings/0/provider "repliacte" is not known. Did you mean "replicate"?`,
      `${folder}/b.json: /offerings/0/provider "nobody" is not known. There are gemini, vertex, fal, replicate`,
    ])
    expect(await problemsIn()).toEqual([])
  })
})
