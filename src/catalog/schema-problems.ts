import type { ErrorObject, ValidateFunction } from 'ajv'

const listOf = (values: unknown): string => (values as readonly unknown[]).map(String).join(', ')

const describe = ({
  instancePath,
  keyword,
  params,
  message = 'is wrong',
  parentSchema,
}: ErrorObject): string => {
  const path = instancePath || '/'
  switch (keyword) {
    case 'additionalProperties':
      return `${instancePath}/${params['additionalProperty']} is not known`
    case 'required':
      return `${path} lacks "${params['missingProperty']}"`
    case 'enum':
      return `${path} must be one of ${listOf(params['allowedValues'])}`
    case 'const':
      return `${path} must be ${JSON.stringify(params['allowedValue'])}`
    case 'pattern':
      return `${path} does not fit: ${parentSchema?.['description'] ?? params['pattern']}`
    default:
      return `${path} ${message}`
  }
}

/** Whether an error is about one of the forms that another error says none of which fits. */
const isWithin = (error: ErrorObject, choice: ErrorObject): boolean =>
  error !== choice && error.schemaPath.startsWith(`${choice.schemaPath}/`)

/** Of several forms the one that was probably meant: with the fewest problems, the first of those. */
const describeChoice = (choice: ErrorObject, errors: readonly ErrorObject[]): string[] => {
  const ofForm = Map.groupBy(
    errors.filter(
      (error) => isWithin(error, choice) && error.instancePath.startsWith(choice.instancePath),
    ),
    ({ schemaPath }) => schemaPath.slice(choice.schemaPath.length + 1).split('/')[0],
  )
  const [best = [], ...others] = [...ofForm.values()].sort(
    (left, right) => left.length - right.length,
  )
  const asShort = others.filter((form) => form.length === best.length)
  const isSimple = best.length === 1 && best[0]?.instancePath === choice.instancePath
  if (!isSimple || asShort.length === 0) return best.map(describe)
  const path = `${choice.instancePath} `
  const demands = [best, ...asShort].flatMap((form) => form.map(describe))
  return [path + demands.map((text) => text.replace(path, '')).join(', or ')]
}

/** What is wrong with a value by its schema, a line each, with the path inside the value. */
export const schemaProblems = ({ errors }: Pick<ValidateFunction, 'errors'>): string[] => {
  const all = errors ?? []
  const choices = all.filter(({ keyword }) => keyword === 'anyOf')
  return all.flatMap((error) => {
    if (choices.some((choice) => isWithin(error, choice))) return []
    return error.keyword === 'anyOf' ? describeChoice(error, all) : [describe(error)]
  })
}
