import { jsonReply, type WireReply, type WireRequest } from '#test/emulators/wire.ts'
import { invalidArgument } from './google-errors.ts'

/** How many models a page holds without `pageSize`, and at most (https://ai.google.dev/api/models#method:-models.list). */
const PAGE_SIZE = 50
const MAX_PAGE_SIZE = 1_000

/** A model as the Gemini API describes it. */
export const geminiModel = (id: string): object => ({
  name: `models/${id}`,
  version: '001',
  displayName: id,
  inputTokenLimit: 131_072,
  outputTokenLimit: 32_768,
  supportedGenerationMethods: ['generateContent', 'countTokens', 'batchGenerateContent'],
})

/** A model as Vertex' Model Garden describes it. */
export const publisherModel = (id: string): object => ({
  name: `publishers/google/models/${id}`,
  versionId: 'default',
  launchStage: 'GA',
})

/** The token is a number here, and opaque in reality. */
const readStart = (token: string | null): number => Number(token ?? 0)

/** The page of a list that `pageSize` and `pageToken` ask for. */
export const listPage = (
  request: WireRequest,
  name: 'models' | 'publisherModels',
  entries: readonly object[],
): WireReply => {
  const size = Number(request.query.get('pageSize') ?? PAGE_SIZE)
  if (!Number.isInteger(size) || size < 0) {
    return invalidArgument(`Invalid value at 'page_size' (TYPE_INT32), "${size}"`, 'page_size')
  }
  const start = readStart(request.query.get('pageToken'))
  if (!Number.isInteger(start)) return invalidArgument('Invalid page token.', 'page_token')
  const end = start + Math.min(size || PAGE_SIZE, MAX_PAGE_SIZE)
  const more = end < entries.length ? { nextPageToken: String(end) } : {}
  return jsonReply(200, { [name]: entries.slice(start, end), ...more })
}
