import { classifyGoogleError } from '#providers/lib/google/classify-google-error.ts'
import type { ProviderError } from '#src/domain/errors.ts'
import type { UpstreamFailure } from '#src/domain/provider-adapter.ts'

/** Name for people. */
export const GEMINI_NAME = 'Gemini API'

/** What an error answer of the Gemini API means. */
export const classifyError = (failure: UpstreamFailure): ProviderError =>
  classifyGoogleError(failure, GEMINI_NAME)
