import { finished } from 'node:stream/promises'
import { factsOfError, type SpanFacts, type Tracer, traced } from '#src/domain/tracer.ts'
import type { convertImage, convertInputImage } from './convert.ts'
import type { ImageFetcher } from './fetch-image.ts'
import { ImageFetchError } from './image-fetch-error.ts'
import type { MediaStore } from './media-store.ts'

const factsOfFetchError = (error: unknown): SpanFacts => {
  // Whoever read the stream left it: what had come was no use, or nobody waits any more.
  if (!(error instanceof ImageFetchError)) return { outcome: 'left', isFailure: false }
  const { reason, status } = error.failure
  return {
    // By the conventions a status that was not wanted is its own class of error.
    errorType: reason === 'status' && status !== undefined ? String(status) : reason,
    isFailure: reason !== 'cancelled',
    ...(status !== undefined && { httpStatus: status }),
  }
}

/** The same fetcher, each download traced from its start to its last byte. */
export const traceFetches = (fetcher: ImageFetcher, tracer: Tracer): ImageFetcher => {
  if (!tracer.isOn) return fetcher
  return {
    ...fetcher,
    fetch: async (url, request) => {
      const span = tracer.start({ type: 'fetch', purpose: request.purpose, url })
      const fail = (error: unknown): void => span.note(factsOfFetchError(error))
      try {
        const fetched = await fetcher.fetch(url, request)
        const { contentLength: sizeBytes } = fetched
        // Other answers are no images.
        span.note({ httpStatus: 200, ...(sizeBytes !== undefined && { sizeBytes }) })
        // Nobody waits for this one: whoever reads the stream sees its errors.
        void finished(fetched.stream).catch(fail).finally(span.end)
        return fetched
      } catch (error) {
        fail(error)
        span.end()
        throw error
      }
    },
  }
}

/** What ended with its signal has not failed. */
const unlessAborted =
  (signal: AbortSignal | undefined) =>
  (error: unknown): SpanFacts =>
    signal?.aborted ? { outcome: 'cancelled' } : factsOfError(error)

/** The same conversion of what providers gave, traced from the begin of its wait. */
export const traceConversion = (
  convert: typeof convertImage,
  tracer: Tracer,
): typeof convertImage => {
  if (!tracer.isOn) return convert
  return (bytes, options) =>
    traced(
      tracer,
      { type: 'transcoding', purpose: 'provider_output', format: options.to },
      async (span) => {
        const converted = await convert(bytes, options)
        span.note({ sizeBytes: converted.bytes.length })
        return converted
      },
      unlessAborted(options.signal),
    )
}

/** The same conversion of what clients sent, traced where there is one to be made. */
export const traceInputConversion = (
  convert: typeof convertInputImage,
  tracer: Tracer,
): typeof convertInputImage => {
  if (!tracer.isOn) return convert
  return (image, accepted, param) => {
    const [format] = accepted
    if (format === undefined || accepted.includes(image.format)) {
      return convert(image, accepted, param)
    }
    return traced(
      tracer,
      { type: 'transcoding', purpose: 'client_input', format },
      async (span) => {
        const converted = await convert(image, accepted, param)
        span.note({ sizeBytes: converted.bytes.sizeBytes })
        return converted
      },
    )
  }
}

/** The same store; what is put into it is traced. */
export const traceStore = (store: MediaStore, tracer: Tracer): MediaStore => {
  if (!tracer.isOn) return store
  return {
    ...store,
    put: (source, options) =>
      traced(
        tracer,
        { type: 'hosting', format: options.format },
        async (span) => {
          const stored = await store.put(source, options)
          span.note({ sizeBytes: stored.sizeBytes })
          return stored
        },
        unlessAborted(options.signal),
      ),
  }
}
