import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type CatalogError,
  type Replacement,
  readModel,
  readModelFiles,
} from '#src/catalog/model-files.ts'
import { readFirstModelFile } from '#test/helpers/models.ts'
import { ownModel, ownModels } from '#test/helpers/own-models.ts'

describe('folders of model files', () => {
  let root: string
  let folders: [string, string, string]
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'fresnel-folders-'))
    folders = [join(root, 'built-in'), join(root, 'own'), join(root, 'more')]
    await Promise.all(folders.map((folder) => mkdir(folder)))
  })
  afterEach(() => rm(root, { recursive: true }))

  const problemsOf = (paths: readonly string[]): Promise<readonly string[]> =>
    readModelFiles(paths).then(
      () => [],
      (error: unknown) => (error as CatalogError).problems,
    )
  const named = (id: string, name: string) =>
    ownModel(id, ({ card }) => {
      card.name = name
    })

  it('replace models of earlier folders by their id, and say so', async () => {
    const [builtIn, own, more] = folders
    await ownModels(builtIn).put('a', named('a', 'built in'))
    await ownModels(builtIn).put('b', named('b', 'built in'))
    await ownModels(own).put('anything', named('a', 'own'))
    await ownModels(more).put('a', named('a', 'more'))
    const replacements: Replacement[] = []
    const files = await readModelFiles(folders, {
      onReplaced: (replacement) => replacements.push(replacement),
    })
    expect(files.map(({ card }) => [card.id, card.name])).toEqual([
      ['b', 'built in'],
      ['a', 'more'],
    ])
    expect(replacements).toEqual([
      { modelId: 'a', path: `${own}/anything.json`, replaced: `${builtIn}/a.json` },
      { modelId: 'a', path: `${more}/a.json`, replaced: `${own}/anything.json` },
    ])
  })

  it('do not replace within themselves: two files of one model are a mistake', async () => {
    const [builtIn, own] = folders
    await ownModels(builtIn).put('a', ownModel('a'))
    await ownModels(own).put('x', ownModel('a'))
    await ownModels(own).put('y', ownModel('a'))
    expect((await problemsOf([builtIn, own]))[0]).toBe(
      `${own}/y.json: /card/id "a" is a name of ${own}/x.json, too (/card/id)`,
    )
  })

  it('name both files when a name means two models', async () => {
    const [builtIn, own] = folders
    await ownModels(builtIn).put('a', ownModel('a'))
    await ownModels(own).put(
      'b',
      ownModel('b', ({ card }) => {
        card.aliases = ['a']
      }),
    )
    expect(await problemsOf([builtIn, own])).toEqual([
      `${own}/b.json: /card/aliases/0 "a" is a name of ${builtIn}/a.json, too (/card/id)`,
    ])
  })

  it('can be named twice', async () => {
    const [builtIn] = folders
    await ownModels(builtIn).put('a', ownModel('a'))
    const replacements: Replacement[] = []
    const twice = [builtIn, `${builtIn}/../built-in/`]
    const files = await readModelFiles(twice, {
      onReplaced: (replacement) => replacements.push(replacement),
    })
    expect([files.length, replacements]).toEqual([1, []])
  })

  it('leave schemas, hidden files and others alone, and follow links', async () => {
    const [builtIn, own] = folders
    await writeFile(join(own, 'model-file.schema.json'), '{}')
    await writeFile(join(own, '.a.json.swp'), 'x')
    await writeFile(join(own, '.a.json'), 'x')
    await writeFile(join(own, 'notes.txt'), 'x')
    await ownModels(builtIn).put('a', ownModel('a'))
    await symlink(join(builtIn, 'a.json'), join(own, 'linked.json'))
    expect(await readModelFiles([own])).toHaveLength(1)
  })

  it('are never quoted from: what is no model may be a secret', async () => {
    const [builtIn, own] = folders
    await ownModels(builtIn).put('short', 'secret')
    await ownModels(own).put('long', `{"a": ${'secret '.repeat(50)}}`)
    const problems = await problemsOf([builtIn, own])
    expect(problems).toHaveLength(2)
    for (const problem of problems) {
      expect(problem).toMatch(/\.json: Unexpected token 's' in JSON/)
      expect(problem).not.toContain('ecret')
    }
  })

  it('are reported with all that is wrong in them at once, by path', async () => {
    const [builtIn, own] = folders
    await ownModels(builtIn).put('a', '{ "card": ')
    await mkdir(join(builtIn, 'folder.json'))
    const { card, ...rest } = readFirstModelFile()
    await writeFile(join(own, 'b.json'), JSON.stringify({ ...rest, crad: card }))
    const problems = await problemsOf([...folders, join(root, 'nowhere'), join(own, 'b.json')])
    expect(problems).toEqual([
      expect.stringMatching(/^.*\/built-in\/a\.json: .*JSON/),
      `${builtIn}/folder.json: cannot be read: illegal operation on a directory (EISDIR)`,
      `${own}/b.json: / lacks "card"`,
      `${own}/b.json: /crad is not known`,
      `${root}/nowhere: cannot be read: no such file or directory (ENOENT)`,
      `${own}/b.json: cannot be read: not a directory (ENOTDIR)`,
    ])
  })
})

describe('what is wrong with a model file', () => {
  const problemsOf = (change: (file: ReturnType<typeof readFirstModelFile>) => void) => {
    const file = readFirstModelFile()
    change(file)
    return readModel(file).problems
  }
  const rulesOf = ({ mappings }: ReturnType<typeof readFirstModelFile>) =>
    mappings['fal']?.rules as Record<string, unknown>

  it('is said of the form that was meant, not of every form that there is', () => {
    const otherwise = (file: ReturnType<typeof readFirstModelFile>) => {
      rulesOf(file)['seed'] = { to: 'seed', otherwise: 'exlude' }
    }
    expect(problemsOf(otherwise)).toEqual([
      '/mappings/fal/rules/seed/otherwise must be one of exclude, warn, emulate, omit',
    ])
    const misspelt = (file: ReturnType<typeof readFirstModelFile>) => {
      rulesOf(file)['seed'] = { unsuported: 'warn' }
    }
    expect(problemsOf(misspelt)).toEqual([
      '/mappings/fal/rules/seed lacks "to"',
      '/mappings/fal/rules/seed/unsuported is not known',
    ])
  })

  it('is all of what could be meant when nothing tells which', () => {
    const passThrough = ({ mappings }: ReturnType<typeof readFirstModelFile>) => {
      Object.assign(mappings['fal'] ?? {}, { passThrough: 'all' })
    }
    expect(problemsOf(passThrough)).toEqual([
      '/mappings/fal/passThrough must be "any", or must be array',
    ])
  })

  it('includes patterns that are no regular expressions', () => {
    const pattern = ({ card }: ReturnType<typeof readFirstModelFile>) => {
      Object.assign(card.parameters['prompt'] ?? {}, { pattern: '(' })
    }
    expect(problemsOf(pattern)).toEqual([
      '/card/parameters/prompt/pattern is no regular expression',
    ])
  })
})
