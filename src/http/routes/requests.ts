import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import type { Catalog } from '#src/catalog/catalog.ts'
import type { ByteAccount } from '#src/domain/byte-account.ts'
import { GatewayError, invalidRequest } from '#src/domain/errors.ts'
import { positionOf } from '#src/domain/request-position.ts'
import type { RequestFilter, RequestLog, RequestRecord } from '#src/domain/request-record.ts'
import { Type } from '#src/domain/schema-type.ts'
import { presentImageAnswer } from '#src/http/image-answer.ts'
import { queryValidation } from '#src/http/query-validation.ts'
import { readFlag } from '#src/http/read-flag.ts'
import { baseUrlOf } from '#src/http/request-context.ts'
import {
  pageUrlsOf,
  type RequestListQuery,
  RequestListQuerySchema,
  readCursor,
  readFilter,
} from '#src/http/request-list-query.ts'
import { presentRequest, presentRequestRow, presentSummary } from '#src/http/request-object.ts'
import { findRequestResult, type ResultDependencies } from '#src/http/request-result.ts'
import { keyFilterOf, loggedModelOf, viewerOf } from '#src/http/request-viewer.ts'
import { documentedAnswers } from '#src/http/schemas/documented.ts'
import {
  listRequestsOperation,
  readRequestOperation,
} from '#src/http/schemas/request-operations.ts'
import { sendJson } from '#src/http/send-json.ts'

export interface RequestRouteDependencies {
  readonly requestLog: RequestLog
  /** Knows models by their aliases too. */
  readonly catalog: Catalog
  readonly results: ResultDependencies
  /** Counts the images of a result while they are sent. */
  readonly openMemory: () => ByteAccount
  readonly publicBaseUrl: string | undefined
  /** Provider slug → name for people. */
  readonly providerNames: ReadonlyMap<string, string>
}

const ParamsSchema = Type.Object({ id: Type.String({ description: 'Id of the request.' }) })

const findFor = (
  requestLog: RequestLog,
  { keyId }: RequestFilter,
  id: string,
): Promise<RequestRecord | undefined> =>
  keyId === undefined ? requestLog.findOfAnyone(id) : requestLog.find(id, keyId ?? undefined)

/** The place that a cursor or a request's id stands for. */
const readPosition = async (
  requestLog: RequestLog,
  filter: RequestFilter,
  value: string,
  param: string,
): Promise<string> => {
  const position = readCursor(value, param)
  if (position !== undefined) return position
  const record = await findFor(requestLog, filter, value)
  if (record) return positionOf(record)
  throw invalidRequest(`${param}: there is no request "${value.slice(0, 128)}".`, param)
}

const readRange = async (
  requestLog: RequestLog,
  filter: RequestFilter,
  query: RequestListQuery,
) => {
  const { starting_after: after, ending_before: before } = query
  if (after !== undefined && before !== undefined) {
    throw invalidRequest('ending_before cannot go together with starting_after.', 'ending_before')
  }
  if (after !== undefined) {
    return { olderThan: await readPosition(requestLog, filter, after, 'starting_after') }
  }
  if (before !== undefined) {
    return { newerThan: await readPosition(requestLog, filter, before, 'ending_before') }
  }
  return {}
}

/** `GET /requests` and `GET /requests/{id}`: what came, and why it was routed as it was. A key sees its own only. */
export const registerRequests = (
  app: FastifyInstance,
  { requestLog, catalog, results, openMemory, ...context }: RequestRouteDependencies,
): void => {
  const { publicBaseUrl, providerNames } = context
  const typed = app.withTypeProvider<TypeBoxTypeProvider>()

  typed.get(
    '/requests',
    {
      schema: { ...listRequestsOperation, querystring: RequestListQuerySchema },
      ...documentedAnswers,
      ...queryValidation,
    },
    async ({ query, apiKey, routeOptions }) => {
      const { limit, model, summary } = query
      const filter = {
        ...keyFilterOf(viewerOf(apiKey), query.key_id),
        ...readFilter(query),
        ...(model !== undefined && { model: loggedModelOf(catalog, model) }),
      }
      const withSummary = readFlag(summary, 'summary')
      const range = await readRange(requestLog, filter, query)
      const [page, sums] = await Promise.all([
        requestLog.list({ ...filter, ...range, limit }),
        withSummary ? requestLog.summarize(filter) : undefined,
      ])
      return {
        object: 'list',
        data: page.records.map(presentRequestRow),
        ...pageUrlsOf(routeOptions.url ?? '', query, page),
        ...(sums && { summary: presentSummary(sums) }),
        ...((page.isPartial || sums?.isPartial) && { partial: true }),
      }
    },
  )

  typed.get(
    '/requests/:id',
    {
      schema: { ...readRequestOperation, params: ParamsSchema },
      ...documentedAnswers,
    },
    async (request, reply) => {
      const { id } = request.params
      const filter = keyFilterOf(viewerOf(request.apiKey), undefined)
      const record = await findFor(requestLog, filter, id)
      if (!record) throw new GatewayError('NOT_FOUND', `There is no request "${id}".`)
      const memory = openMemory()
      if (reply.raw.closed) memory.close()
      else reply.raw.once('close', () => memory.close())
      const result = await findRequestResult(record, results, memory)
      const baseUrl = baseUrlOf(request, publicBaseUrl)
      return sendJson(reply, (place) => ({
        ...presentRequest(record),
        ...(result && { result: presentImageAnswer(result, { baseUrl, place, providerNames }) }),
      }))
    },
  )
}
