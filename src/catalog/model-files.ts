import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { type ModelFile, ModelFileSchema } from '#src/domain/model-card.ts'

/** Model files that cannot be used; the message has a line per problem, with file and path. */
export class CatalogError extends Error {
  override readonly name = 'CatalogError'

  constructor(problems: readonly string[]) {
    super(`The catalogue has ${problems.length} problem(s):\n${problems.join('\n')}`)
  }
}

const validateShape = new Ajv2020({ allErrors: true, strict: false }).compile(ModelFileSchema)

const shapeProblems = (value: unknown): string[] =>
  validateShape(value)
    ? []
    : (validateShape.errors ?? []).map(
        (error) =>
          `${error.instancePath || '/'} ${error.message ?? 'is wrong'} ${JSON.stringify(error.params)}`,
      )

/** What a schema cannot say: references resolve, and every parameter has a rule at every offering. */
const referenceProblems = ({ card, mappings, offerings }: ModelFile): string[] => {
  const problems: string[] = []
  for (const [index, offering] of offerings.entries()) {
    const path = `/offerings/${index}`
    const rules = mappings[offering.mapping]?.rules
    if (!rules)
      problems.push(`${path}/mapping "${offering.mapping}" is not one of the file's mappings`)
    if (!offering.configKey.startsWith(`${offering.provider}/`)) {
      problems.push(`${path}/configKey must start with "${offering.provider}/"`)
    }
    for (const mode of offering.modes) {
      if (!card.modes.includes(mode))
        problems.push(`${path}/modes names "${mode}", which the card does not`)
    }
  }
  for (const [name, { rules }] of Object.entries(mappings)) {
    for (const parameter of Object.keys(card.parameters)) {
      if (!Object.hasOwn(rules, parameter))
        problems.push(`/mappings/${name}/rules lacks "${parameter}"`)
    }
  }
  return problems
}

/** Problems of one parsed model file, without its name; empty: none. */
export const findModelFileProblems = (value: unknown): string[] => {
  const problems = shapeProblems(value)
  return problems.length > 0 ? problems : referenceProblems(value as ModelFile)
}

const readModelFile = async (path: string): Promise<{ file?: ModelFile; problems: string[] }> => {
  let value: unknown
  try {
    value = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    return { problems: [`${path}: ${(error as Error).message}`] }
  }
  const problems = findModelFileProblems(value).map((problem) => `${path}: ${problem}`)
  return problems.length > 0 ? { problems } : { file: value as ModelFile, problems }
}

/** Reads every `*.json` of these folders, in order of name. Throws `CatalogError` with all problems at once. */
export const readModelFiles = async (folders: readonly string[]): Promise<ModelFile[]> => {
  const paths: string[] = []
  for (const folder of folders) {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort()
    paths.push(...names.map((name) => join(folder, name)))
  }
  const results = await Promise.all(paths.map(readModelFile))
  const problems = results.flatMap((result) => result.problems)
  if (problems.length > 0) throw new CatalogError(problems)
  return results.flatMap((result) => result.file ?? [])
}
