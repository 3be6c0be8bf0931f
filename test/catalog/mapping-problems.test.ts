import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readModel, readModelFiles } from '#src/catalog/model-files.ts'
import type { MappingRule } from '#src/domain/mapping-rules.ts'
import { readFirstModelFile } from '#test/helpers/models.ts'

const withRule = (name: string, rule: MappingRule): readonly string[] => {
  const file = readFirstModelFile()
  const mapping = file.mappings['fal']
  if (!mapping) throw new Error('no mapping')
  mapping.rules[name] = rule
  file.offerings = file.offerings.filter(({ provider }) => provider === 'fal')
  file.mappings = { fal: mapping }
  return readModel(file).problems ?? []
}
const RULES = '/mappings/fal/rules'

describe('problems of mappings', () => {
  it.each<[string, MappingRule, string]>([
    ['prompt', { unsupported: 'warn' }, `${RULES}/prompt must have "to"`],
    [
      'image',
      { unsupported: 'warn' },
      `${RULES}/image must have "to", as fal/gemini-3.1-flash-image-preview-edit edits images`,
    ],
    ['n', { to: 'num_images', maximum: 0 }, `${RULES}/n/maximum must be at least 1`],
    [
      'seed',
      { to: '__proto__.seed' },
      `${RULES}/seed/to "__proto__.seed" is no field that can be set`,
    ],
    ['seed', { to: 'a.4000000000' }, `${RULES}/seed/to "a.4000000000" is no field that can be set`],
    ['seed', { to: 'prompt.x' }, `${RULES}/seed/to "prompt.x" lies within "prompt" of prompt`],
    [
      'aspect_ratio',
      { to: 'aspect_ratio', codec: 'nearest_ratio', values: ['square'] },
      `${RULES}/aspect_ratio/values has "square", which nearest_ratio cannot compare`,
    ],
    [
      'resolution',
      { to: 'resolution', codec: 'nearest_tier' },
      `${RULES}/resolution of nearest_tier must have "values"`,
    ],
  ])(
    'tell of a rule of %s that loses what is asked or cannot be followed',
    (name, rule, problem) => {
      expect(withRule(name, rule)).toEqual([problem])
    },
  )

  it('tell of a mapping that only all objects have', () => {
    const file = readFirstModelFile()
    for (const offering of file.offerings) offering.mapping = 'constructor'
    expect(readModel(file).problems).toContain(
      '/offerings/0/mapping "constructor" is not one of the file\'s mappings',
    )
  })

  it('tell of edits without pictures', () => {
    const { card, mappings, offerings } = readFirstModelFile()
    const { image: _, ...parameters } = card.parameters
    expect(readModel({ card: { ...card, parameters }, mappings, offerings }).problems).toEqual([
      '/card/parameters lacks "image", which gemini/gemini-3.1-flash-image-preview edits',
    ])
  })
})

it('a pipe among the files is told of, and not waited for', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fresnel-pipe-'))
  try {
    execFileSync('mkfifo', [join(folder, 'pipe.json')])
    await expect(readModelFiles([folder])).rejects.toThrow('pipe.json: is no file')
  } finally {
    await rm(folder, { recursive: true })
  }
})
