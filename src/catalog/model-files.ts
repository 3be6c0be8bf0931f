import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import {
  type MappingRule,
  type ModelFile,
  ModelFileSchema,
  type Offering,
  type PriceRule,
} from '#src/domain/model-card.ts'

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

const offeringProblems = (
  { card, mappings }: ModelFile,
  offering: Offering,
  path: string,
): string[] => {
  const problems: string[] = []
  if (!mappings[offering.mapping])
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

const UNITS: Readonly<Record<PriceRule['metric'], PriceRule['unit']>> = {
  output_image: 'image',
  input_token: 'million_tokens',
  input_text_token: 'million_tokens',
  input_image_token: 'million_tokens',
  output_text_token: 'million_tokens',
  output_image_token: 'million_tokens',
  request: 'request',
}

/** Such a rule alone says what an image costs before it is made, which routing and dry runs need. */
const pricesImages = ({ metric, tokensByResolution }: PriceRule): boolean =>
  metric === 'output_image' ||
  (metric === 'output_image_token' && Object.keys(tokensByResolution ?? {}).length > 0)

const priceProblems = ({ card }: ModelFile, { prices }: Offering, path: string): string[] => {
  const problems = prices.flatMap((rule, index) => {
    const { metric, unit, usd, usdByResolution = {}, when = {} } = rule
    const rulePath = `${path}/prices/${index}`
    const isPriced = (usd === undefined) !== (Object.keys(usdByResolution).length === 0)
    return [
      ...(unit === UNITS[metric] ? [] : [`${rulePath}/unit of ${metric} must be ${UNITS[metric]}`]),
      ...(isPriced ? [] : [`${rulePath} must have either usd or usdByResolution`]),
      ...Object.keys(when)
        .filter((name) => !Object.hasOwn(card.parameters, name))
        .map((name) => `${rulePath}/when names "${name}", which is no parameter of the card`),
    ]
  })
  return prices.some(pricesImages)
    ? problems
    : [...problems, `${path}/prices say nothing of what an image costs`]
}

/** Every parameter has a rule in every mapping, and pictures have one that cannot lose them. */
const mappingProblems = ({ card, mappings }: ModelFile): string[] =>
  Object.entries(mappings).flatMap(([name, { rules }]) => {
    const path = `/mappings/${name}/rules`
    const mask = rules['mask']
    const losesMask = mask !== undefined && !('to' in mask) && !isExcluding(mask)
    return [
      ...Object.keys(card.parameters)
        .filter((parameter) => !Object.hasOwn(rules, parameter))
        .map((parameter) => `${path} lacks "${parameter}"`),
      ...(losesMask ? [`${path}/mask must have "to" or "unsupported": "exclude"`] : []),
    ]
  })

const isExcluding = (rule: MappingRule): boolean =>
  'unsupported' in rule && rule.unsupported === 'exclude'

/** Parameters that are pictures: the gateway reads no others from a request. */
const PICTURES = ['image', 'mask']

const pictureProblems = ({ card }: ModelFile): string[] =>
  Object.entries(card.parameters)
    .filter(([name, { type }]) => (type === 'file') !== PICTURES.includes(name))
    .map(([name]) =>
      PICTURES.includes(name)
        ? `/card/parameters/${name}/type must be "file"`
        : `/card/parameters/${name}/type is "file", which only ${PICTURES.join(' and ')} can be`,
    )

/** What a schema cannot say: references resolve, prices say what an image costs, and no parameter can be lost. */
const referenceProblems = (file: ModelFile): string[] => [
  ...pictureProblems(file),
  ...file.offerings.flatMap((offering, index) => [
    ...offeringProblems(file, offering, `/offerings/${index}`),
    ...priceProblems(file, offering, `/offerings/${index}`),
  ]),
  ...mappingProblems(file),
]

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
