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

const unsupportedMode = ({ card }: Model, request: ImageRequest): GatewayError =>
  invalidRequest(
    `Model '${request.requestedModel}' does not support ${MODE_VERBS[request.mode]}. ` +
      `Supported modes: ${card.modes.map((mode) => MODE_NAMES[mode]).join(', ')}`,
    'model',
  )

/** Throws the 400 for a request that its model does not take; nothing has been sent anywhere by then. */
export const checkRequest = (model: Model, request: ImageRequest): void => {
  const compiled = model.parameters[request.mode]
  if (!compiled) throw unsupportedMode(model, request)
  const problem = compiled.validate({
    ...request.parameters,
    model: request.requestedModel,
    ...(request.mode === 'image_edit' && { image: request.images.map(() => '') }),
    ...(request.mask && { mask: '' }),
  })
  if (problem) throw problem
}
