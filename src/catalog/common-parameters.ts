import type { CardParameter } from '#src/domain/model-card.ts'

/** A ratio such as `16:9` or `2.39:1`, neither side of it 0. */
const RATIO = String.raw`(0{0,4}[1-9][0-9]{0,4}(\.[0-9]{1,4})?|0\.[0-9]{0,3}[1-9][0-9]{0,3})`
const RATIOS = `${RATIO}:${RATIO}`

/** What a card need not say of a parameter that many models have. Its modes are the card's, of pictures those of edits. */
export const COMMON_PARAMETERS: Readonly<Record<string, Omit<CardParameter, 'modes'>>> = {
  prompt: {
    type: 'string',
    group: 'core',
    description: 'What to draw, or how to change the input images.',
    required: true,
    minLength: 1,
  },
  negative_prompt: {
    type: 'string',
    group: 'core',
    description: 'What should not be in the picture.',
  },
  seed: {
    type: 'integer',
    group: 'core',
    description:
      'Starting point of the random numbers; the same seed makes similar pictures, without a guarantee.',
    minimum: 0,
    maximum: 2_147_483_647,
  },
  size: {
    type: 'string',
    group: 'size_layout',
    description:
      'Pixels as WxH, which decides shape and scale, or a ratio as W:H; the nearest that is offered is made.',
    pattern: `^(auto|[1-9][0-9]{0,4}x[1-9][0-9]{0,4}|${RATIOS})$`,
  },
  aspect_ratio: {
    type: 'string',
    group: 'size_layout',
    description:
      'Ratio of width to height as W:H; the nearest that is offered is made. Ignored when size is WxH.',
    pattern: `^(auto|${RATIOS})$`,
  },
  resolution: {
    type: 'string',
    group: 'size_layout',
    description:
      'Scale of the picture; 1K is about one megapixel. The nearest that is offered is made. Ignored when size is WxH.',
    enum: ['auto', '0.5K', '1K', '2K', '4K'],
  },
  image: {
    type: 'file',
    group: 'media_input',
    description: 'Pictures to work on, in order.',
    required: true,
    minItems: 1,
  },
  mask: {
    type: 'file',
    group: 'media_input',
    description: 'PNG of the size of the first image, transparent where it is to be changed.',
  },
  quality: {
    type: 'string',
    group: 'output_format',
    description: 'How much work goes into a picture.',
    enum: ['auto', 'low', 'medium', 'high', 'standard', 'hd'],
  },
  response_format: {
    type: 'string',
    group: 'output_format',
    description: 'Whether each image is answered as an expiring URL or as base64.',
    enum: ['url', 'b64_json'],
    default: 'url',
  },
  output_format: {
    type: 'string',
    group: 'output_format',
    description:
      'File format of the images; what a provider does not make itself is converted by the gateway.',
    enum: ['png', 'jpeg', 'gif', 'webp', 'avif'],
  },
  output_compression: {
    type: 'integer',
    group: 'output_format',
    description: 'Encoder quality for jpeg, webp and avif; higher is better and larger.',
    minimum: 0,
    maximum: 100,
  },
  n: {
    type: 'integer',
    group: 'output_format',
    description: 'How many images to make.',
    minimum: 1,
    maximum: 10,
    default: 1,
  },
}

/** Parameters that every card has, said or not. */
export const EVERY_CARD = [
  'prompt',
  'size',
  'aspect_ratio',
  'resolution',
  'response_format',
  'output_format',
  'output_compression',
  'n',
] as const

/** What the gateway does itself where a mapping has no rule for it. */
export const DONE_BY_THE_GATEWAY = [
  'response_format',
  'output_format',
  'output_compression',
  'n',
] as const
