import type { Model } from '#src/catalog/catalog.ts'
import { type GatewayError, invalidRequest } from '#src/domain/errors.ts'
import type { ImageRequest } from '#src/domain/image-request.ts'
import type { Mode } from '#src/domain/model-card.ts'

const MODE_NAMES: Readonly<Record<Mode, string>> = {
  text_to_image: 'text-to-image',
  image_edit: 'image-edit',
}

const MODE_VERBS: Readonly<Record<Mode, string>> = {
  text_to_image: 'text-to-image generation',
  image_edit: 'image editing',
}

/** Formats without an encoder quality. */
const LOSSLESS_FORMATS = ['png', 'gif']

const unsupportedMode = ({ card }: Model, request: ImageRequest): GatewayError =>
  invalidRequest(
    `Model '${request.requestedModel}' does not support ${MODE_VERBS[request.mode]}. ` +
      `Supported modes: ${card.modes.map((mode) => MODE_NAMES[mode]).join(', ')}`,
    'model',
  )

/** A parameter of the card that belongs to another mode, such as `image` in a text-to-image request. */
const misplacedParameter = ({ card }: Model, request: ImageRequest): GatewayError | undefined => {
  const found = Object.entries(card.parameters).find(
    ([name, { modes }]) => !modes.includes(request.mode) && Object.hasOwn(request.parameters, name),
  )
  if (!found) return undefined
  const modes = found[1].modes.map((mode) => MODE_NAMES[mode]).join(', ')
  return invalidRequest(`Parameter "${found[0]}" belongs to ${modes} requests.`, found[0])
}

/** Pictures besides the input images; a model that can use one declares it. */
const EXTRA_PICTURES = ['mask', 'markup']

const extraPicture = ({ card }: Model, { parameters }: ImageRequest): GatewayError | undefined => {
  const found = EXTRA_PICTURES.find(
    (name) => Object.hasOwn(parameters, name) && !Object.hasOwn(card.parameters, name),
  )
  return found ? invalidRequest(`Model '${card.id}' takes no ${found}.`, found) : undefined
}

const compressionProblem = ({ parameters }: ImageRequest): GatewayError | undefined => {
  const format = parameters['output_format']
  const isLossy = typeof format === 'string' && !LOSSLESS_FORMATS.includes(format)
  if (parameters['output_compression'] === undefined || isLossy) return undefined
  return invalidRequest(
    'output_compression needs an output_format with an encoder quality: jpeg, webp or avif.',
    'output_compression',
  )
}

/** Throws the 400 for a request that its model does not take; nothing has been sent anywhere by then. */
export const checkRequest = (model: Model, request: ImageRequest): void => {
  const compiled = model.parameters[request.mode]
  if (!compiled) throw unsupportedMode(model, request)
  const problem =
    misplacedParameter(model, request) ??
    extraPicture(model, request) ??
    compiled.validate({
      ...request.parameters,
      model: request.requestedModel,
      ...(request.mode === 'image_edit' && { image: request.images.map(() => '') }),
    }) ??
    compressionProblem(request)
  if (problem) throw problem
}
