import type { Readable } from 'node:stream'
import type { JsonWithBytes } from '#src/bytes/json-with-bytes.ts'
import type { ImageAnswer } from '#src/domain/image-answer.ts'
import type { HeldBytes, PreparedImage } from '#src/domain/image-result.ts'
import type { JsonObject } from '#src/domain/json.ts'
import { formatPixelSize } from '#src/domain/media.ts'
import type { Mode } from '#src/domain/model-card.ts'
import type { ProviderUsage } from '#src/domain/provider-adapter.ts'
import type { GeneratedImage } from '#src/generation/generated-image.ts'
import type { GenerationHooks } from '#src/generation/generation-hooks.ts'
import { toErrorAnswer, toGatewayError } from './error-answer.ts'
import { type EventStream, openEventStream } from './event-stream.ts'
import {
  type AnswerContext,
  presentMetadata,
  presentUsage,
  presentWarnings,
} from './image-answer.ts'
import { presentProgress } from './progress-event.ts'

/** What a stream's events say besides their images. */
export interface StreamOptions extends Pick<AnswerContext, 'providerNames'> {
  readonly mode: Mode
  /** `quality` and `background` as they were asked for, which OpenAI's events repeat. */
  readonly asked: { readonly quality: string; readonly background: string }
  /** Most drafts that are shown. */
  readonly previews: number
  /** Whether the client asked to be told of attempts as they happen; others are sent nothing but OpenAI's events. */
  readonly tellsProgress: boolean
  /** Wall-clock ms. */
  readonly now: () => number
}

type StreamHooks = Required<
  Pick<GenerationHooks, 'onPlanned' | 'onWaiting' | 'onImages' | 'onPreview'>
> &
  Pick<GenerationHooks, 'onProgress'>

const EVENT_NAMES: Readonly<Record<Mode, string>> = {
  text_to_image: 'image_generation',
  image_edit: 'image_edit',
}

const bytesOf = ({ content }: PreparedImage): HeldBytes => {
  if (content.kind !== 'held') throw new Error('A stream holds the bytes of its images')
  return content.bytes
}

/** The images of an answer that was kept; the tokens of all stand with the first. */
const replayedImages = ({ images, usage }: ImageAnswer): GeneratedImage[] =>
  images.map((image, index) => ({ ...image, warnings: [], ...(usage && index === 0 && { usage }) }))

const NO_TOKENS: ProviderUsage = { inputTokens: 0, outputTokens: 0 }

/** Writes what happens to one request as events of OpenAI's Images API. */
const createEventWriter = (events: EventStream, options: StreamOptions) => {
  const { mode, asked, previews, providerNames, now } = options
  let shown = 0
  /** The last image that came, not yet written: what is known at the end goes with the last of all. */
  let held: GeneratedImage | undefined
  const present = (image: PreparedImage, place: JsonWithBytes['place']): JsonObject => ({
    b64_json: place(bytesOf(image)),
    created_at: Math.floor(now() / 1000),
    size: formatPixelSize(image.size),
    ...asked,
    output_format: image.format,
  })
  const complete = ({ image, usage, revisedPrompt }: GeneratedImage, more: JsonObject): void => {
    const type = `${EVENT_NAMES[mode]}.completed`
    events.send(type, (place) => ({
      type,
      ...present(image, place),
      ...(revisedPrompt !== undefined && { revised_prompt: revisedPrompt }),
      ...presentUsage(usage ?? NO_TOKENS),
      ...more,
    }))
  }
  const onImages = (images: readonly GeneratedImage[]): void => {
    for (const image of images) {
      if (held) complete(held, {})
      held = image
    }
  }
  return {
    onImages,
    onPreview: (image: PreparedImage): void => {
      if (shown >= previews) return
      const index = shown
      shown += 1
      const type = `${EVENT_NAMES[mode]}.partial_image`
      events.send(type, (place) => ({
        type,
        ...present(image, place),
        partial_image_index: index,
      }))
    },
    finish: (answer: ImageAnswer): void => {
      if (!held) onImages(replayedImages(answer))
      if (!held) return
      complete(held, {
        id: answer.requestId,
        ...presentWarnings(answer),
        metadata: presentMetadata(answer, { providerNames }),
      })
    },
  }
}

/** Writes progress as events of the gateway's own. */
const createProgressWriter =
  (events: EventStream, { providerNames }: StreamOptions): GenerationHooks['onProgress'] =>
  (progress) => {
    const event = presentProgress(progress, providerNames)
    events.send(event.type, () => event)
  }

const writeError = (events: EventStream, error: unknown): void =>
  events.send('error', () => ({ type: 'error', ...toErrorAnswer(toGatewayError(error)).body }))

/**
 * Serves a request as a stream of events. Resolves to the stream's body once the request is known to be sound, so that
 * what is wrong with it is still an answer with a status of its own: it rejects with that. Later failures are an event.
 */
export const streamImageAnswer = async (
  options: StreamOptions,
  serve: (hooks: StreamHooks) => Promise<ImageAnswer>,
): Promise<Readable> => {
  const planned = Promise.withResolvers<void>()
  const events = openEventStream()
  const writer = createEventWriter(events, options)
  const { onImages, onPreview } = writer
  const onPlanned = (): void => planned.resolve()
  const onProgress = options.tellsProgress ? createProgressWriter(events, options) : undefined
  const served = serve({
    onPlanned,
    onWaiting: onPlanned,
    onImages,
    onPreview,
    ...(onProgress && { onProgress }),
  })
  try {
    await Promise.race([planned.promise, served])
  } catch (error) {
    events.body.destroy()
    throw error
  }
  served
    .then(writer.finish, (error: unknown) => writeError(events, error))
    .finally(() => events.end())
  return events.body
}
