import { classifyGoogleError } from '#providers/lib/google/classify-google-error.ts'
import type { ProviderError } from '#src/domain/errors.ts'
import type { UpstreamFailure } from '#src/domain/provider-adapter.ts'

/** Name for people. */
export const VERTEX_NAME = 'Vertex AI'

/** What an error answer of Vertex AI means. */
export const classifyError = (failure: UpstreamFailure): ProviderError =>
  classifyGoogleError(failure, VERTEX_NAME)
