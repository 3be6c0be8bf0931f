import type { ModelCard } from '#src/domain/model-card.ts'
import type { ModelFile } from '#src/domain/model-file.ts'

/** A model file, and where it stands. */
export interface PlacedModelFile {
  readonly file: ModelFile
  /** As problems name it. */
  readonly path: string
}

interface Use extends PlacedModelFile {
  /** Inside the file, such as `/card/aliases/0`. */
  readonly place: string
}

const namesOf = ({ id, aliases }: ModelCard): [name: string, place: string][] => [
  [id, '/card/id'],
  ...aliases.map((name, index): [string, string] => [name, `/card/aliases/${index}`]),
]

/** What an earlier file, or an earlier place of the same one, says already. */
const describe = (name: string, { path, place }: Use, first: Use, what: string): string =>
  path === first.path
    ? `${path}: ${place} "${name}" stands twice`
    : `${path}: ${place} "${name}" is ${what} of ${first.path}, too (${first.place})`

/** Names `provider/model` that stand for one provider of a model, which another model's name would hide. */
const forcedNames = ({ file, path }: PlacedModelFile): [name: string, use: Use][] => {
  const providers = [...new Set(file.offerings.map(({ provider }) => provider))]
  return namesOf(file.card).flatMap(([name, place]) =>
    providers.map((provider): [string, Use] => [`${provider}/${name}`, { file, path, place }]),
  )
}

const nameProblems = (files: readonly PlacedModelFile[], names: Map<string, Use>): string[] =>
  files.flatMap(({ file, path }) =>
    namesOf(file.card).flatMap(([name, place]) => {
      const use = { file, path, place }
      const first = names.get(name)
      if (!first) names.set(name, use)
      return first ? [describe(name, use, first, 'a name')] : []
    }),
  )

const configKeyProblems = (
  files: readonly PlacedModelFile[],
  names: ReadonlyMap<string, Use>,
): string[] => {
  const configKeys = new Map<string, Use>()
  return files.flatMap(({ file, path }) =>
    file.offerings.flatMap(({ configKey }, index) => {
      const use = { file, path, place: `/offerings/${index}/configKey` }
      const first = configKeys.get(configKey)
      const named = names.get(configKey)
      if (!first) configKeys.set(configKey, use)
      return [
        ...(first ? [describe(configKey, use, first, 'a config key')] : []),
        ...(named && named.path !== path ? [describe(configKey, use, named, 'a name')] : []),
      ]
    }),
  )
}

const forcedProblems = (
  files: readonly PlacedModelFile[],
  names: ReadonlyMap<string, Use>,
): string[] =>
  files.flatMap((placed) =>
    forcedNames(placed).flatMap(([name, use]) => {
      const other = names.get(name)
      return other && other.path !== use.path
        ? [
            `${other.path}: ${other.place} "${name}" means the model of ${use.path} at one provider (${use.place})`,
          ]
        : []
    }),
  )

/**
 * Names that would mean two models: ids and aliases, config keys, and `provider/model`. Each problem names both files.
 * Every file is of another model.
 */
export const findNameCollisions = (files: readonly PlacedModelFile[]): string[] => {
  const names = new Map<string, Use>()
  return [
    ...nameProblems(files, names),
    ...configKeyProblems(files, names),
    ...forcedProblems(files, names),
  ]
}
