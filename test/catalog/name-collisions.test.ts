import { describe, expect, it } from 'vitest'
import { findNameCollisions } from '#src/catalog/name-collisions.ts'
import type { ModelFile } from '#src/domain/model-file.ts'
import { ownModel } from '#test/helpers/own-models.ts'

const placed = (path: string, id: string, change?: (file: ModelFile) => void) => ({
  path,
  file: ownModel(id, change),
})

const aliased =
  (...aliases: string[]) =>
  (file: ModelFile): void => {
    file.card.aliases = aliases
  }

describe('names of models', () => {
  it('may be anything that means one model', () => {
    const first = placed('/1.json', 'a', aliased('fal-ai/a', 'google/a'))
    expect(findNameCollisions([first, placed('/2.json', 'b')])).toEqual([])
  })

  it('are refused when two files have the same, naming both', () => {
    const first = placed('/1.json', 'a', aliased('short'))
    const second = placed('/2.json', 'b', aliased('a', 'short'))
    expect(findNameCollisions([first, second])).toEqual([
      '/2.json: /card/aliases/0 "a" is a name of /1.json, too (/card/id)',
      '/2.json: /card/aliases/1 "short" is a name of /1.json, too (/card/aliases/0)',
    ])
  })

  it('stand once in a file', () => {
    expect(findNameCollisions([placed('/1.json', 'a', aliased('b', 'a', 'b'))])).toEqual([
      '/1.json: /card/aliases/1 "a" stands twice',
      '/1.json: /card/aliases/2 "b" stands twice',
    ])
  })

  it('are config keys of no other model', () => {
    const second = placed('/2.json', 'b', (file) => {
      const [first, next] = file.offerings
      if (first) first.configKey = 'gemini/a'
      if (next) next.configKey = 'fal/short'
    })
    const problems = findNameCollisions([placed('/1.json', 'a', aliased('fal/short')), second])
    expect(problems).toEqual([
      '/2.json: /offerings/0/configKey "gemini/a" is a config key of /1.json, too (/offerings/0/configKey)',
      '/2.json: /offerings/1/configKey "fal/short" is a name of /1.json, too (/card/aliases/0)',
    ])
  })

  it('hide no other model at one provider', () => {
    const first = placed('/1.json', 'a', aliased('replicate/b'))
    const second = placed('/2.json', 'b', (file) => {
      for (const [index, offering] of file.offerings.entries()) {
        offering.configKey = `${offering.provider}/other-${index}`
      }
    })
    expect(findNameCollisions([first, second])).toEqual([
      '/1.json: /card/aliases/0 "replicate/b" means the model of /2.json at one provider (/card/id)',
    ])
  })
})
