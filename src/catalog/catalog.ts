import { closest, distance } from 'fastest-levenshtein'
import { GatewayError } from '#src/domain/errors.ts'
import type {
  Mode,
  ModelCard,
  ModelFile,
  Offering,
  ParameterMapping,
} from '#src/domain/model-card.ts'
import { CatalogError } from './model-files.ts'
import { type CompiledParameters, compileParameters } from './parameter-compiler.ts'

/** A model ready to be routed over. */
export interface Model {
  readonly card: ModelCard
  /** In the file's order. */
  readonly offerings: readonly Offering[]
  readonly parameters: Readonly<Partial<Record<Mode, CompiledParameters>>>
  mappingOf(offering: Offering): ParameterMapping
}

export interface ResolvedModel {
  readonly model: Model
  /** Slug of the only provider that may serve; absent: the client forced none. */
  readonly forcedProvider?: string
}

export interface Catalog {
  /** In order of id. */
  readonly models: readonly Model[]
  /** By id, alias, `provider/model` or config key. Throws `MODEL_NOT_FOUND`. */
  resolve(requestedModel: string): ResolvedModel
}

const createModel = (file: ModelFile): Model => {
  const { card, mappings, offerings } = file
  return Object.freeze({
    card,
    offerings,
    parameters: compileParameters(file),
    mappingOf: (offering: Offering) => mappings[offering.mapping] as ParameterMapping,
  })
}

/** Every name of every model; two models may not share one. */
const indexNames = (models: readonly Model[]): Map<string, Model> => {
  const index = new Map<string, Model>()
  const problems: string[] = []
  for (const model of models) {
    for (const name of [model.card.id, ...model.card.aliases]) {
      if (index.has(name)) problems.push(`"${name}" names two models`)
      index.set(name, model)
    }
  }
  if (problems.length > 0) throw new CatalogError(problems)
  return index
}

const indexConfigKeys = (models: readonly Model[]): Map<string, ResolvedModel> => {
  const index = new Map<string, ResolvedModel>()
  for (const model of models) {
    for (const offering of model.offerings) {
      if (index.has(offering.configKey)) {
        throw new CatalogError([`config key "${offering.configKey}" stands twice`])
      }
      index.set(offering.configKey, { model, forcedProvider: offering.provider })
    }
  }
  return index
}

/** A name so near that it was probably meant: at most a third of its letters differ. */
const suggest = (requestedModel: string, names: readonly string[]): string => {
  if (names.length === 0) return ''
  const nearest = closest(requestedModel, names)
  const isNear = distance(requestedModel, nearest) <= nearest.length / 3
  return isNear ? ` Did you mean "${nearest}"?` : ''
}

const MAX_SHOWN_CHARACTERS = 128

/** Indexes the models and freezes them. Throws `CatalogError` when names collide. */
export const createCatalog = (files: readonly ModelFile[]): Catalog => {
  const models = files
    .map(createModel)
    .sort((left, right) => left.card.id.localeCompare(right.card.id))
  const names = indexNames(models)
  const configKeys = indexConfigKeys(models)

  const find = (requestedModel: string): ResolvedModel | undefined => {
    const model = names.get(requestedModel)
    if (model) return { model }
    const slash = requestedModel.indexOf('/')
    const provider = requestedModel.slice(0, Math.max(0, slash))
    const forced = names.get(requestedModel.slice(slash + 1))
    if (forced?.offerings.some((offering) => offering.provider === provider)) {
      return { model: forced, forcedProvider: provider }
    }
    return configKeys.get(requestedModel)
  }

  return Object.freeze({
    models,
    resolve: (requestedModel: string) => {
      const found = find(requestedModel)
      if (found) return found
      const shown = requestedModel.slice(0, MAX_SHOWN_CHARACTERS)
      throw new GatewayError(
        'MODEL_NOT_FOUND',
        `Model "${shown}" does not exist.${suggest(shown, [...names.keys(), ...configKeys.keys()])}`,
        { param: 'model' },
      )
    },
  })
}
