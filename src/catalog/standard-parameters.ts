import type { JsonValue } from '#src/domain/json.ts'

interface StandardParameter {
  /** JSON Schema of the value. */
  readonly schema: Readonly<Record<string, JsonValue>>
  /** Whether this value asks for something that an offering would have to honour. */
  readonly asksForSomething: (value: JsonValue) => boolean
}

const always = () => true
const never = () => false
const unlessAuto = (value: JsonValue) => value !== 'auto'

/**
 * Parameters of OpenAI's Images API that every model accepts, so that no OpenAI client is refused. Where a model's card
 * does not declare one, it is not sent to a provider, and a warning says so if the value asked for something.
 * Source: `ImageGenerateParams` and `ImageEditParams` of the npm package openai 7.55.0.
 */
export const STANDARD_PARAMETERS: ReadonlyMap<string, StandardParameter> = new Map(
  Object.entries({
    quality: { schema: { type: 'string' }, asksForSomething: unlessAuto },
    background: { schema: { type: 'string' }, asksForSomething: unlessAuto },
    moderation: { schema: { type: 'string' }, asksForSomething: unlessAuto },
    style: { schema: { type: 'string' }, asksForSomething: always },
    input_fidelity: { schema: { type: 'string' }, asksForSomething: always },
    user: { schema: { type: 'string' }, asksForSomething: never },
    safety_identifier: { schema: { type: 'string' }, asksForSomething: never },
    // Not offered yet: a client that asked for events would wait for them in vain.
    stream: { schema: { type: 'boolean', enum: [false] }, asksForSomething: never },
    partial_images: {
      schema: { type: 'integer', minimum: 0, maximum: 3 },
      asksForSomething: (value) => value !== 0,
    },
  } satisfies Record<string, StandardParameter>),
)
