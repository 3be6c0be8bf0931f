import type { EmulatorContext } from '#test/emulators/create-emulator.ts'
import type { Picture, PictureFormat } from '#test/emulators/picture.ts'
import type { Fault, StreamBreak } from '#test/emulators/scenario.ts'
import type { GenerateOrder } from './generate-request.ts'
import { type GoogleModel, googlePictureSize } from './google-models.ts'

/** One `part` of a candidate's content. */
export type ResponsePart = Readonly<Record<string, unknown>>

/** A complete answer, before it is sent whole or in chunks. */
export interface GenerateAnswer {
  /** Empty and with `finishReason` absent: there is no candidate. */
  readonly parts: readonly ResponsePart[]
  /** Absent: there is no candidate. */
  readonly finishReason?: string
  readonly finishMessage?: string
  readonly promptFeedback?: object
  readonly groundingMetadata?: object
  readonly usageMetadata: object
}

export interface AnswerContext {
  readonly emulator: EmulatorContext
  readonly model: GoogleModel
  /** `blockReasonMessage` and `trafficType` are sent by Vertex only. */
  readonly isVertex: boolean
}

/** Tokens that an input image counts as in the Gemini 3 family. */
const INPUT_IMAGE_TOKENS = 1_120
/** Thoughts are billed at every level; how many there are is not published. */
const THOUGHT_TOKENS: Readonly<Record<string, number>> = { MINIMAL: 96, MEDIUM: 320, HIGH: 640 }
const TEXT = 'Here is the image you asked for.'

const textTokens = (text: string): number => Math.max(1, Math.ceil(text.length / 4))

const usage = (order: GenerateOrder, context: AnswerContext, imageTokens: number, text: string) => {
  const promptTextTokens = textTokens(order.prompt)
  const promptImageTokens = order.inputs.length * INPUT_IMAGE_TOKENS
  const promptTokenCount = promptTextTokens + promptImageTokens
  const thoughtsTokenCount = THOUGHT_TOKENS[order.thinkingLevel] ?? 0
  const candidatesTokenCount = imageTokens + (text ? textTokens(text) : 0)
  const images = order.inputs.length > 0
  return {
    promptTokenCount,
    ...(candidatesTokenCount > 0 ? { candidatesTokenCount } : {}),
    totalTokenCount: promptTokenCount + candidatesTokenCount + thoughtsTokenCount,
    promptTokensDetails: [
      { modality: 'TEXT', tokenCount: promptTextTokens },
      ...(images ? [{ modality: 'IMAGE', tokenCount: promptImageTokens }] : []),
    ],
    ...(imageTokens > 0
      ? { candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: imageTokens }] }
      : {}),
    thoughtsTokenCount,
    ...(context.isVertex ? { trafficType: 'ON_DEMAND' } : {}),
  }
}

/** `draft`: which of the drafts, from 1; absent: the final image. */
const draw = (order: GenerateOrder, context: AnswerContext, draft?: number): Promise<Picture> => {
  const { emulator } = context
  const { answerMediaType, imageSizeBytes } = emulator.scenario()
  const mediaType = order.mediaType ?? answerMediaType ?? 'image/png'
  const isDraft = draft !== undefined
  return emulator.pictures.make({
    provider: emulator.id,
    prompt: order.prompt,
    size: googlePictureSize(context.model, order.ratio, isDraft ? '512' : order.imageSize),
    seed: order.seed,
    inputs: order.inputs,
    format: mediaType.replace('image/', '') as PictureFormat,
    ...(order.quality === undefined ? {} : { quality: order.quality }),
    ...(isDraft ? { note: draft === 1 ? 'draft' : `draft ${draft}` } : {}),
    ...(isDraft || imageSizeBytes === undefined ? {} : { sizeBytes: imageSizeBytes }),
  })
}

/**
 * Thoughts that were asked for hold one or two drafts. That one comes unasked with high thinking is on record nowhere;
 * clients have to skip it.
 */
const countDrafts = (order: GenerateOrder, context: AnswerContext): number => {
  const thinksHard = order.thinkingLevel === 'HIGH'
  if (order.includesThoughts) return thinksHard ? 2 : 1
  return thinksHard || context.emulator.scenario().alwaysDraft ? 1 : 0
}

const thoughtParts = async (
  order: GenerateOrder,
  context: AnswerContext,
): Promise<ResponsePart[]> => {
  const parts: ResponsePart[] = []
  if (order.includesThoughts) parts.push({ text: 'Planning the composition.', thought: true })
  const count = countDrafts(order, context)
  for (let draft = 1; draft <= count; draft += 1) {
    parts.push({ ...imagePart(await draw(order, context, draft)), thought: true })
  }
  return parts
}

const imagePart = (picture: Picture): ResponsePart => ({
  inlineData: { mimeType: picture.mediaType, data: picture.base64 },
})

const blockedPrompt = (order: GenerateOrder, context: AnswerContext): GenerateAnswer => {
  const blockReason = 'PROHIBITED_CONTENT'
  const blockReasonMessage =
    'The prompt could not be submitted. It may violate the usage guidelines.'
  return {
    parts: [],
    promptFeedback: context.isVertex ? { blockReason, blockReasonMessage } : { blockReason },
    usageMetadata: usage(order, context, 0, ''),
  }
}

/** The answers with status 200 that hold no image; `undefined` when the fault is none of them. */
const answerWithoutImage = (
  fault: Fault | undefined,
  order: GenerateOrder,
  context: AnswerContext,
): GenerateAnswer | undefined => {
  const usageMetadata = usage(order, context, 0, '')
  switch (fault) {
    case 'refusal':
      return blockedPrompt(order, context)
    case 'empty_list':
      return { parts: [], usageMetadata }
    case 'refusal_output':
      return {
        parts: [],
        finishReason: 'IMAGE_SAFETY',
        finishMessage: 'Unable to show the generated image. It may violate the usage guidelines.',
        usageMetadata,
      }
    case 'no_image':
      return {
        parts: [],
        finishReason: 'NO_IMAGE',
        finishMessage: 'The model did not generate an image. Please rephrase the prompt.',
        usageMetadata,
      }
    case 'text_only':
      return answerInText(order, context)
    default:
      return order.wantsImage ? undefined : answerInText(order, context)
  }
}

const answerInText = (order: GenerateOrder, context: AnswerContext): GenerateAnswer => {
  const text = 'I can describe the picture, but I did not draw it.'
  return {
    parts: [{ text }],
    finishReason: 'STOP',
    usageMetadata: usage(order, context, 0, text),
  }
}

const grounding = (order: GenerateOrder) => ({
  groundingMetadata: {
    webSearchQueries: [order.prompt.slice(0, 80)],
    searchEntryPoint: { renderedContent: '<div>Search suggestions</div>' },
    groundingChunks: [{ web: { uri: 'https://example.com/', title: 'example.com' } }],
  },
})

/** What the model says to an order under a fault. Draws the pictures. */
export const composeAnswer = async (
  order: GenerateOrder,
  fault: Fault | undefined,
  context: AnswerContext,
): Promise<GenerateAnswer> => {
  const without = answerWithoutImage(fault, order, context)
  if (without) return without
  const parts = await thoughtParts(order, context)
  if (order.wantsText) parts.push({ text: TEXT })
  const { finalImages = 1 } = context.emulator.scenario()
  for (let index = 0; index < finalImages; index += 1) {
    const thoughtSignature = Buffer.from(context.emulator.random.text(48)).toString('base64')
    const seed = order.seed + index
    parts.push({ ...imagePart(await draw({ ...order, seed }, context)), thoughtSignature })
  }
  const imageTokens = (context.model.tokensBySize[order.imageSize] ?? 0) * finalImages
  return {
    parts,
    finishReason: 'STOP',
    usageMetadata: usage(order, context, imageTokens, order.wantsText ? TEXT : ''),
    ...(order.usesSearch ? grounding(order) : {}),
  }
}

/** What all chunks of one answer have in common. */
export interface ResponseIdentity {
  readonly modelVersion: string
  readonly responseId: string
  /** Sent by Vertex; absent: not sent. */
  readonly createTime?: string
}

const candidate = (answer: GenerateAnswer, parts: readonly ResponsePart[], isLast: boolean) => ({
  ...(parts.length > 0 ? { content: { role: 'model', parts } } : {}),
  ...(isLast
    ? {
        finishReason: answer.finishReason,
        ...(answer.finishMessage ? { finishMessage: answer.finishMessage } : {}),
        ...(answer.groundingMetadata ? { groundingMetadata: answer.groundingMetadata } : {}),
      }
    : {}),
  index: 0,
})

/** The answer as one GenerateContentResponse. */
export const wholeResponse = (answer: GenerateAnswer, identity: ResponseIdentity) => ({
  ...(answer.finishReason ? { candidates: [candidate(answer, answer.parts, true)] } : {}),
  ...(answer.promptFeedback ? { promptFeedback: answer.promptFeedback } : {}),
  usageMetadata: answer.usageMetadata,
  ...identity,
})

/** The answer as the chunks of a stream: one part each, so that every image comes whole in one chunk. */
export const responseChunks = (answer: GenerateAnswer, identity: ResponseIdentity): object[] => {
  if (answer.parts.length <= 1) return [wholeResponse(answer, identity)]
  return answer.parts.map((part, index) => {
    const isLast = index === answer.parts.length - 1
    return {
      candidates: [candidate(answer, [part], isLast)],
      ...(isLast ? { usageMetadata: answer.usageMetadata } : {}),
      ...identity,
    }
  })
}

/** The same without an end. */
export const unfinishedChunks = (
  answer: GenerateAnswer,
  identity: ResponseIdentity,
  after: StreamBreak['after'],
): object[] =>
  answer.parts
    .filter((part) => after === 'image' || part.thought === true)
    .map((part) => ({ candidates: [candidate(answer, [part], false)], ...identity }))
