import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ImageRequest } from '#src/domain/image-request.ts'
import { createDecisionTrace } from '#src/generation/decision-trace.ts'
import { estimateRequest } from '#src/generation/estimate-request.ts'
import { generateImages } from '#src/generation/generate-images.ts'
import type { GenerationDependencies } from '#src/generation/generation-dependencies.ts'
import { observeRequest } from '#src/generation/observe-request.ts'
import { presentEstimate } from '#src/http/estimate-answer.ts'
import { presentImageAnswer } from '#src/http/image-answer.ts'
import type { RequestReaderOptions } from '#src/http/image-request-reader.ts'
import { createJsonWithBytes } from '#src/http/json-with-bytes.ts'
import { readFlag } from '#src/http/read-flag.ts'
import { baseUrlOf } from '#src/http/request-context.ts'

/** What both image endpoints work with. */
export interface ImageRouteDependencies {
  readonly generation: GenerationDependencies
  readonly reader: RequestReaderOptions
  readonly publicBaseUrl: string | undefined
  readonly providerNames: ReadonlyMap<string, string>
}

const isDryRun = (request: FastifyRequest): boolean =>
  readFlag((request.query as Readonly<Record<string, unknown>>)['dryRun'], 'dryRun')

/** Runs what both endpoints share once the request has been read: estimate or generate, and answer. */
export const answerImageRequest = async (
  { generation, publicBaseUrl, providerNames }: ImageRouteDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
  read: () => ImageRequest | Promise<ImageRequest>,
): Promise<FastifyReply> => {
  const { clock, events } = generation
  const trace = createDecisionTrace(request.id, clock)
  const isDry = isDryRun(request)
  const imageRequest = await read()
  request.trace = trace
  reply.header('content-type', 'application/json')
  if (isDry) return reply.send(presentEstimate(estimateRequest(generation, imageRequest, trace)))
  const result = await observeRequest({ request: imageRequest, trace, events, clock }, () =>
    generateImages(generation, imageRequest, trace),
  )
  const { place, render } = createJsonWithBytes()
  const baseUrl = baseUrlOf(request, publicBaseUrl)
  const createdAtS = Math.floor(clock.now() / 1000)
  const context = { trace, baseUrl, place, providerNames, createdAtS }
  const { stream, sizeBytes } = render(presentImageAnswer(result, context))
  return reply.header('content-length', sizeBytes).send(stream)
}
