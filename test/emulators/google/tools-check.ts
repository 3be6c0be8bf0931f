import { isObject } from '#test/emulators/field-rules.ts'
import type { GoogleModel } from './google-models.ts'
import {
  checkChoice,
  checkMessage,
  type Fields,
  invalidValue,
  type RequestProblem,
  unknownNames,
} from './message-check.ts'
import type { SurfaceRules } from './surface-rules.ts'

const TOOL_FIELDS = [
  'googleSearch',
  'googleSearchRetrieval',
  'codeExecution',
  'functionDeclarations',
  'urlContext',
]
const HARM_CATEGORIES = [
  'HARASSMENT',
  'HATE_SPEECH',
  'SEXUALLY_EXPLICIT',
  'DANGEROUS_CONTENT',
  'JAILBREAK',
]
const IMAGE_HARM_CATEGORIES = HARM_CATEGORIES.slice(0, 4).flatMap((name) => [`IMAGE_${name}`])
const THRESHOLDS = [
  'BLOCK_LOW_AND_ABOVE',
  'BLOCK_MEDIUM_AND_ABOVE',
  'BLOCK_ONLY_HIGH',
  'BLOCK_NONE',
  'OFF',
]
const snakeCase = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const searchTypeProblems = (types: Fields, model: GoogleModel, path: string): RequestProblem[] => {
  const problems = unknownNames(types, ['webSearch', 'imageSearch'], path)
  for (const name of ['webSearch', 'imageSearch']) {
    const value = types[name]
    if (value === undefined || isObject(value)) continue
    problems.push(invalidValue(`${path}.${snakeCase(name)}`, 'message', value))
  }
  if (types.imageSearch !== undefined && !model.hasImageSearch) {
    problems.push({ message: 'Image search is not supported for this model.' })
  }
  return problems
}

const toolProblems = (tool: Fields, path: string, model: GoogleModel, rules: SurfaceRules) => {
  const problems = unknownNames(tool, TOOL_FIELDS, path)
  const searchPath = `${path}.google_search`
  const search = checkMessage(tool.googleSearch, searchPath, (fields) => {
    const typesPath = `${searchPath}.search_types`
    const found = unknownNames(fields, rules.searchFields, searchPath)
    if (!model.hasWebSearch) {
      found.push({ message: 'Search as tool is not enabled for this model' })
    }
    const types = checkMessage(fields.searchTypes, typesPath, (value) =>
      searchTypeProblems(value, model, typesPath),
    )
    return [...found, ...types]
  })
  return [...problems, ...search]
}

/** Everything wrong with `tools`. */
export const toolsProblems = (
  value: unknown,
  model: GoogleModel,
  rules: SurfaceRules,
): RequestProblem[] => {
  if (value === undefined) return []
  if (!Array.isArray(value)) return [invalidValue('tools', 'repeated', value)]
  return value.flatMap((tool: unknown, index) =>
    checkMessage(tool, `tools[${index}]`, (fields) =>
      toolProblems(fields, `tools[${index}]`, model, rules),
    ),
  )
}

/** Everything wrong with `safetySettings`. */
export const safetyProblems = (value: unknown, rules: SurfaceRules): RequestProblem[] => {
  if (value === undefined) return []
  if (!Array.isArray(value)) return [invalidValue('safety_settings', 'repeated', value)]
  const names = [
    ...HARM_CATEGORIES,
    ...(rules.hasImageSafetyCategories ? IMAGE_HARM_CATEGORIES : []),
  ]
  const categories = names.map((name) => `HARM_CATEGORY_${name}`)
  return value.flatMap((setting: unknown, index) => {
    const path = `safety_settings[${index}]`
    return checkMessage(setting, path, ({ category, threshold, ...others }) => [
      ...unknownNames(others, rules.safetyFields, path),
      ...checkChoice(category, categories, `${path}.category`, rules.typeName('HarmCategory')),
      ...checkChoice(
        threshold,
        THRESHOLDS,
        `${path}.threshold`,
        rules.typeName('SafetySetting.HarmBlockThreshold'),
      ),
    ])
  })
}
