import { readdir, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { getSystemErrorMessage } from 'node:util'
import { Ajv2020 } from 'ajv/dist/2020.js'
import {
  type ModelFile,
  ModelFileSchema,
  type WrittenModelFile,
  WrittenModelFileSchema,
} from '#src/domain/model-file.ts'
import type { Offering } from '#src/domain/offering.ts'
import { OWN_SCHEMA } from '#src/domain/own-schema.ts'
import { cardProblems } from './card-problems.ts'
import { ExpansionError, expandModelFile } from './expand-model-file.ts'
import { mappingProblems } from './mapping-problems.ts'
import { findNameCollisions, type PlacedModelFile } from './name-collisions.ts'
import { isMeantForModel, isModelFileName, parseModelText } from './parse-model-text.ts'
import { priceProblems } from './price-problems.ts'
import { schemaProblems } from './schema-problems.ts'
import { createSuggestName } from './suggest-name.ts'

/** Model files that cannot be used; the message has a line per problem, with file and path. */
export class CatalogError extends Error {
  override readonly name = 'CatalogError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`The catalogue has ${problems.length} problem(s):\n${problems.join('\n')}`)
    this.problems = problems
  }
}

// A number that is too large for one is read as infinite, and no price or limit is that.
const ajv = new Ajv2020({
  ...OWN_SCHEMA,
  allErrors: true,
  strict: false,
  strictNumbers: true,
  verbose: true,
})
const isWritten = ajv.compile<WrittenModelFile>(WrittenModelFileSchema)
const isWhole = ajv.compile<ModelFile>(ModelFileSchema)

const offeringProblems = (
  { card, mappings }: ModelFile,
  offering: Offering,
  path: string,
): string[] => {
  const problems: string[] = []
  if (!Object.hasOwn(mappings, offering.mapping))
    problems.push(`${path}/mapping "${offering.mapping}" is not one of the file's mappings`)
  if (!offering.configKey.startsWith(`${offering.provider}/`)) {
    problems.push(`${path}/configKey must start with "${offering.provider}/"`)
  }
  for (const mode of offering.modes) {
    if (!card.modes.includes(mode))
      problems.push(`${path}/modes names "${mode}", which the card does not`)
  }
  return problems
}

/** What a schema cannot say: references resolve, prices say what an image costs, and no parameter can be lost. */
const referenceProblems = (file: ModelFile): string[] => [
  ...cardProblems(file),
  ...file.offerings.flatMap((offering, index) => [
    ...offeringProblems(file, offering, `/offerings/${index}`),
    ...priceProblems(file, offering, `/offerings/${index}`),
  ]),
  ...mappingProblems(file),
]

/** What one parsed model file says in full, or its problems, without its name. */
export type ModelFileReading =
  | { readonly file: ModelFile; readonly problems?: never }
  | { readonly file?: never; readonly problems: readonly string[] }

const expand = (written: WrittenModelFile): ModelFileReading => {
  let file: unknown
  try {
    file = expandModelFile(written)
  } catch (error) {
    if (!(error instanceof ExpansionError)) throw error
    return { problems: [`${error.path} ${error.message}`] }
  }
  if (!isWhole(file)) return { problems: schemaProblems(isWhole) }
  const problems = referenceProblems(file)
  return problems.length > 0 ? { problems } : { file }
}

/** Checks and expands one parsed model file. */
export const readModel = (value: unknown): ModelFileReading =>
  isWritten(value) ? expand(value) : { problems: schemaProblems(isWritten) }

/** What the system says of a file or folder that cannot be read, or a parser of its text. */
const describeError = (error: unknown): string => {
  const { code, errno, message } = error as NodeJS.ErrnoException
  return code === undefined || errno === undefined
    ? message
    : `cannot be read: ${getSystemErrorMessage(errno)} (${code})`
}

/** A file or folder, or what is wrong with it, by its path. */
type Found<T> = T | { readonly problems: readonly string[] }

const hasProblems = <T extends object>(
  found: Found<T>,
): found is { readonly problems: readonly string[] } => 'problems' in found

/** A file that is read, and is of something else. */
interface OtherFile {
  readonly other: string
}

const readModelFile = async (path: string): Promise<Found<PlacedModelFile | OtherFile>> => {
  let value: unknown
  try {
    // A pipe would be waited for, and every later reading with it.
    const about = await stat(path)
    if (!about.isFile() && !about.isDirectory()) return { problems: [`${path}: is no file`] }
    value = parseModelText(path, await readFile(path, 'utf8'))
  } catch (error) {
    return { problems: [`${path}: ${describeError(error)}`] }
  }
  if (!isMeantForModel(path, value)) return { other: path }
  const { file, problems = [] } = readModel(value)
  return file ? { file, path } : { problems: problems.map((problem) => `${path}: ${problem}`) }
}

/** Paths of the model files, in order of name. */
const listFolder = async (folder: string): Promise<Found<readonly string[]>> => {
  try {
    const names = (await readdir(folder)).filter(isModelFileName).sort()
    return names.map((name) => join(folder, name))
  } catch (error) {
    return { problems: [`${folder}: ${describeError(error)}`] }
  }
}

/** A model file that stands for one of an earlier folder. */
export interface Replacement {
  /** Canonical id of the model. */
  readonly modelId: string
  /** The file that counts. */
  readonly path: string
  /** The one that does not. */
  readonly replaced: string
}

/** What the folders say together: a file replaces those of the same model in folders before its own. */
const replaceModels = (
  folders: readonly (readonly PlacedModelFile[])[],
  onReplaced: (replacement: Replacement) => void,
): PlacedModelFile[] => {
  let present: readonly PlacedModelFile[] = []
  for (const folder of folders) {
    const modelIds = new Map(folder.map(({ file, path }) => [file.card.id, path]))
    for (const { file, path: replaced } of present) {
      const modelId = file.card.id
      const path = modelIds.get(modelId)
      if (path !== undefined) onReplaced({ modelId, path, replaced })
    }
    present = [...present.filter(({ file }) => !modelIds.has(file.card.id)), ...folder]
  }
  return [...present]
}

/** What model files are read with besides their folders. */
export interface ModelFilesReading {
  /** Is told of each model that stands in another's place. */
  readonly onReplaced?: (replacement: Replacement) => void
  /** Is told of each YAML file that is passed over, as nothing in it is a model's. */
  readonly onOther?: (path: string) => void
  /** Slugs of all providers that there are. Absent: they are not known, and none is looked at. */
  readonly providers?: readonly string[]
}

/** Offerings of providers that there are none of: nobody would ever be asked for them. */
const providerProblems = (
  files: readonly PlacedModelFile[],
  providers: readonly string[],
): string[] => {
  const suggest = createSuggestName(providers, new Map())
  return files.flatMap(({ file, path }) =>
    file.offerings.flatMap(({ provider }, index) => {
      if (providers.includes(provider)) return []
      const meant = suggest(provider)
      const hint =
        meant === undefined ? `There are ${providers.join(', ')}` : `Did you mean "${meant}"?`
      return [`${path}: /offerings/${index}/provider "${provider}" is not known. ${hint}`]
    }),
  )
}

/**
 * Reads all model files of these folders, in order of name. A model of a later folder replaces the one of the same id in
 * an earlier folder. Throws `CatalogError` with all problems at once.
 */
export const readModelFiles = async (
  folders: readonly string[],
  { onReplaced = () => undefined, onOther, providers }: ModelFilesReading = {},
): Promise<ModelFile[]> => {
  // A folder may be named twice, by a variable and by the configuration file.
  const paths = [...new Set(folders.map((folder) => resolve(folder)))]
  const lists = await Promise.all(paths.map(listFolder))
  const results = await Promise.all(
    lists.map((list) => (hasProblems(list) ? [list] : Promise.all(list.map(readModelFile)))),
  )
  const problems = results.flat().flatMap((result) => (hasProblems(result) ? result.problems : []))
  const read = results.map((folder) =>
    folder.flatMap((result) => (hasProblems(result) ? [] : [result])),
  )
  const found = read.map((folder) => folder.flatMap((each) => ('other' in each ? [] : [each])))
  for (const each of read.flat()) if ('other' in each) onOther?.(each.other)
  if (providers) problems.push(...providerProblems(found.flat(), providers))
  const files = replaceModels(found, onReplaced)
  problems.push(...findNameCollisions(files))
  if (problems.length > 0) throw new CatalogError(problems)
  return files.map(({ file }) => file)
}
