import type { FastifyReply, FastifyRequest } from 'fastify'
import type { BusyCount } from '#src/domain/busy-count.ts'
import type { ImageRequest } from '#src/domain/image-request.ts'
import type { KeyLimiter } from '#src/domain/key-limiter.ts'
import type { RequestLog } from '#src/domain/request-record.ts'
import type { RunStore } from '#src/domain/run-store.ts'
import type { AcceptedRequests } from '#src/generation/accepted-requests.ts'
import type { GenerationDependencies } from '#src/generation/generation-dependencies.ts'
import type { OpenKeptImages } from '#src/images/kept-images.ts'
import type { RequestReaderOptions } from './image-request-reader.ts'

/** What both image endpoints work with. */
export interface ImageRouteDependencies {
  readonly generation: GenerationDependencies
  readonly reader: RequestReaderOptions
  readonly publicBaseUrl: string | undefined
  readonly providerNames: ReadonlyMap<string, string>
  readonly runs: RunStore
  readonly accepted: AcceptedRequests
  readonly requestLog: RequestLog
  readonly openKeptImages: OpenKeptImages
  /** Counts the work that no connection waits for. */
  readonly detached: BusyCount
  readonly limiter: KeyLimiter
}

/**
 * The same with the catalogue as it is now: a request goes on with the model that it found, whatever is reloaded
 * meanwhile.
 */
export const withPresentCatalog = (deps: ImageRouteDependencies): ImageRouteDependencies => {
  const catalog = deps.generation.catalog.current
  return {
    ...deps,
    generation: { ...deps.generation, catalog },
    reader: { ...deps.reader, catalog },
  }
}

/** One call of an image endpoint. */
export interface ImageCall {
  readonly deps: ImageRouteDependencies
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  /** Reads the request; further calls give the same. */
  readonly read: () => Promise<ImageRequest>
}
