import type { JsonValue } from '#src/domain/json.ts'

interface StandardParameter {
  /** JSON Schema of the value. */
  readonly schema: Readonly<Record<string, JsonValue>>
  /** For people, one sentence. */
  readonly description: string
  /** Whether this value asks for something that an offering would have to honour. */
  readonly asksForSomething: (value: JsonValue) => boolean
}

const always = () => true
const never = () => false
const unlessAuto = (value: JsonValue) => value !== 'auto'

const text = (
  description: string,
  asksForSomething: StandardParameter['asksForSomething'] = always,
): StandardParameter => ({ schema: { type: 'string' }, description, asksForSomething })

const integer = (description: string, minimum: number, maximum: number): StandardParameter => ({
  schema: { type: 'integer', minimum, maximum },
  description,
  asksForSomething: always,
})

/**
 * Parameters of OpenAI's Images API that every model accepts, so that no OpenAI client is refused. Where a model's card
 * does not declare one, it is not sent to a provider, and a warning says so if the value asked for something. Texts are
 * open: OpenAI keeps adding values (`xhigh` and `max` to `quality`), and none is a reason to refuse.
 * Source: `ImageGenerateParams` and `ImageEditParams` of the npm package openai 7.55.0.
 */
export const STANDARD_PARAMETERS: ReadonlyMap<string, StandardParameter> = new Map(
  Object.entries({
    quality: text('How much work goes into a picture, such as low, high, hd or auto.', unlessAuto),
    background: text('transparent, opaque or auto.', unlessAuto),
    moderation: text('How strict the content filter is: low or auto.', unlessAuto),
    style: text('vivid or natural.'),
    input_fidelity: text('How closely the input images are kept to: low or high.'),
    complexity: text('How elaborate a picture is: low, medium or high.'),
    frame_count: integer('Frames of an animated gif.', 2, 16),
    frame_duration_ms: integer('Milliseconds for which each frame of a gif is shown.', 0, 655_350),
    svg: {
      schema: { type: 'object' },
      description: 'How vector graphics are made.',
      asksForSomething: always,
    },
    user: text('Your own name for the end user, kept with the request.', never),
    safety_identifier: text('Your own stable identifier of the end user.', never),
    stream: {
      schema: { type: 'boolean' },
      description: 'Whether the answer comes as events.',
      asksForSomething: never,
    },
    partial_images: {
      schema: { type: 'integer', minimum: 0, maximum: 3 },
      description: 'How many drafts are sent before each picture.',
      asksForSomething: (value) => value !== 0,
    },
    webhook_url: text('Where the result is posted once it is there.', never),
  } satisfies Record<string, StandardParameter>),
)
