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

const GENERATION_FIELDS = [
  'responseModalities',
  'seed',
  'temperature',
  'topP',
  'topK',
  'candidateCount',
  'maxOutputTokens',
  'stopSequences',
  'presencePenalty',
  'frequencyPenalty',
  'responseLogprobs',
  'logprobs',
  'responseMimeType',
  'responseSchema',
  'responseJsonSchema',
  'mediaResolution',
  'speechConfig',
  'imageConfig',
  'thinkingConfig',
]
const THINKING_FIELDS = ['thinkingLevel', 'includeThoughts', 'thinkingBudget']
const THINKING_LEVELS = ['MINIMAL', 'LOW', 'MEDIUM', 'HIGH']
const MODALITIES = ['TEXT', 'IMAGE', 'AUDIO']
const PERSON_GENERATION = ['ALLOW_ALL', 'ALLOW_ADULT', 'ALLOW_NONE']
const PROMINENT_PEOPLE = ['ALLOW_PROMINENT_PEOPLE', 'BLOCK_PROMINENT_PEOPLE']

const outputOptionProblems = (options: Fields, path: string): RequestProblem[] => {
  const problems = unknownNames(options, ['mimeType', 'compressionQuality'], path)
  const { mimeType, compressionQuality } = options
  problems.push(
    ...checkChoice(mimeType, ['image/png', 'image/jpeg'], `${path}.mime_type`, 'TYPE_STRING'),
  )
  const quality = compressionQuality ?? 0
  if (!Number.isInteger(quality) || (quality as number) < 0 || (quality as number) > 100) {
    problems.push(invalidValue(`${path}.compression_quality`, 'TYPE_INT32', quality))
  }
  return problems
}

const imageConfigProblems = (config: Fields, model: GoogleModel, rules: SurfaceRules) => {
  const path = 'generation_config.image_config'
  const problems = unknownNames(config, rules.imageConfigFields, path)
  // The texts about ratio and size are not on record; their status (400 INVALID_ARGUMENT) is.
  const sizes = model.hasImageSize ? Object.keys(model.tokensBySize) : []
  problems.push(
    ...checkChoice(config.aspectRatio, model.ratios, `${path}.aspect_ratio`, 'aspect ratio'),
    ...checkChoice(config.imageSize, sizes, `${path}.image_size`, 'image size'),
    ...checkChoice(
      config.personGeneration,
      PERSON_GENERATION,
      `${path}.person_generation`,
      rules.typeName('ImageConfig.PersonGeneration'),
    ),
    ...checkChoice(
      config.prominentPeople,
      PROMINENT_PEOPLE,
      `${path}.prominent_people`,
      rules.typeName('ImageConfig.ProminentPeople'),
    ),
  )
  if (!rules.imageConfigFields.includes('imageOutputOptions')) return problems
  const optionsPath = `${path}.image_output_options`
  const options = checkMessage(config.imageOutputOptions, optionsPath, (fields) =>
    outputOptionProblems(fields, optionsPath),
  )
  return [...problems, ...options]
}

const thinkingProblems = (config: Fields, model: GoogleModel, rules: SurfaceRules) => {
  const path = 'generation_config.thinking_config'
  const problems = unknownNames(config, THINKING_FIELDS, path)
  const level = config.thinkingLevel
  const type = rules.typeName('GenerationConfig.ThinkingConfig.ThinkingLevel')
  const levelProblems = checkChoice(level, THINKING_LEVELS, `${path}.thinking_level`, type)
  problems.push(...levelProblems)
  if (level !== undefined && levelProblems.length === 0) {
    if (!model.thinkingLevels.includes(level as string)) {
      problems.push({ message: `Thinking level ${String(level)} is not supported for this model.` })
    }
  }
  const { includeThoughts, thinkingBudget } = config
  if (includeThoughts !== undefined && typeof includeThoughts !== 'boolean') {
    problems.push(invalidValue(`${path}.include_thoughts`, 'TYPE_BOOL', includeThoughts))
  }
  if (thinkingBudget !== undefined && !Number.isInteger(thinkingBudget)) {
    problems.push(invalidValue(`${path}.thinking_budget`, 'TYPE_INT32', thinkingBudget))
  }
  return problems
}

const modalityProblems = (modalities: unknown, rules: SurfaceRules): RequestProblem[] => {
  const path = 'generation_config.response_modalities'
  if (modalities === undefined) return []
  if (!Array.isArray(modalities)) return [invalidValue(path, 'repeated', modalities)]
  const type = rules.typeName('GenerationConfig.Modality')
  const problems = modalities.flatMap((modality, index) =>
    checkChoice(modality, MODALITIES, `${path}[${index}]`, type),
  )
  if (modalities.includes('AUDIO')) {
    problems.push({ message: 'The requested combination of response modalities is not supported.' })
  }
  return problems
}

/** Everything wrong with `generationConfig`. */
/** As a message's integers are, the least one included (https://protobuf.dev/programming-guides/proto3/#scalar). */
const isInt32 = (value: unknown): boolean => Number.isInteger(value) && value === Number(value) << 0

export const generationConfigProblems = (
  value: unknown,
  model: GoogleModel,
  rules: SurfaceRules,
): RequestProblem[] =>
  checkMessage(value, 'generation_config', (config) => {
    const problems = unknownNames(config, GENERATION_FIELDS, 'generation_config')
    problems.push(...modalityProblems(config.responseModalities, rules))
    const { seed, candidateCount = 1 } = config
    if (seed !== undefined && !isInt32(seed)) {
      problems.push(invalidValue('generation_config.seed', 'TYPE_INT32', seed))
    }
    if (candidateCount !== 1) {
      problems.push({ message: 'Multiple candidates is not enabled for this model' })
    }
    problems.push(
      ...checkMessage(config.imageConfig, 'generation_config.image_config', (fields) =>
        imageConfigProblems(fields, model, rules),
      ),
      ...checkMessage(config.thinkingConfig, 'generation_config.thinking_config', (fields) =>
        thinkingProblems(fields, model, rules),
      ),
    )
    return problems
  })
