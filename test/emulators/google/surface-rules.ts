/** What the two surfaces differ in. */
export interface SurfaceRules {
  /** Full proto name of a type, by its last part. */
  typeName(type: string): string
  readonly bodyFields: readonly string[]
  readonly imageConfigFields: readonly string[]
  readonly searchFields: readonly string[]
  readonly safetyFields: readonly string[]
  readonly hasImageSafetyCategories: boolean
}

const BODY_FIELDS = [
  'contents',
  'systemInstruction',
  'generationConfig',
  'tools',
  'toolConfig',
  'safetySettings',
  'cachedContent',
  'serviceTier',
]

export const GEMINI_RULES: SurfaceRules = {
  typeName: (type) => `type.googleapis.com/google.ai.generativelanguage.v1beta.${type}`,
  bodyFields: BODY_FIELDS,
  imageConfigFields: ['aspectRatio', 'imageSize'],
  searchFields: ['searchTypes', 'timeRangeFilter'],
  safetyFields: ['category', 'threshold'],
  hasImageSafetyCategories: false,
}

export const VERTEX_RULES: SurfaceRules = {
  typeName: (type) => `type.googleapis.com/google.cloud.aiplatform.v1beta1.${type}`,
  bodyFields: [...BODY_FIELDS, 'labels', 'modelArmorConfig'],
  imageConfigFields: [
    ...GEMINI_RULES.imageConfigFields,
    'imageOutputOptions',
    'personGeneration',
    'prominentPeople',
  ],
  searchFields: ['searchTypes', 'excludeDomains', 'blockingConfidence'],
  safetyFields: ['category', 'threshold', 'method'],
  hasImageSafetyCategories: true,
}
