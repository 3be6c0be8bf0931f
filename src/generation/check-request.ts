import type { Model } from '#src/catalog/catalog.ts'
import { GatewayError, invalidRequest } from '#src/domain/errors.ts'
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

/** Whether a key that may use these models only may use this one. `undefined`: it may use all. */
export const isAllowed = (
  { card }: Pick<Model, 'card'>,
  allowedModels: readonly string[] | undefined,
): boolean =>
  !allowedModels || [card.id, ...card.aliases].some((name) => allowedModels.includes(name))

/** As a model that there is not: what a key may not ask for is none of its client's models. */
const forbiddenModel = ({ card }: Model, allowedModels: readonly string[]): GatewayError =>
  new GatewayError(
    'MODEL_NOT_FOUND',
    `The API key may not use "${card.id}". Its models: ${allowedModels.join(', ')}.`,
    { param: 'model' },
  )

/**
 * Throws the 404 for a model that the caller's key may not use, and the 400 for a request that its model does not take;
 * nothing has been sent or fetched anywhere by then.
 */
export const checkRequest = (model: Model, request: ImageRequest): void => {
  const { allowedModels } = request
  if (allowedModels && !isAllowed(model, allowedModels)) throw forbiddenModel(model, allowedModels)
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
