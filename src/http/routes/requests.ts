import type { FastifyInstance } from 'fastify'
import { GatewayError } from '#src/domain/errors.ts'
import type { RequestLog } from '#src/domain/request-record.ts'
import { presentRequest } from '#src/http/request-object.ts'

export interface RequestRouteDependencies {
  readonly requestLog: RequestLog
  /** Id of the key that sees the requests of all; absent: there is none. */
  readonly adminKeyId?: string
}

/** `GET /requests/{id}`: one finished request and why it was routed as it was. A key sees its own only. */
export const registerRequests = (
  app: FastifyInstance,
  { requestLog, adminKeyId }: RequestRouteDependencies,
): void => {
  app.get<{ Params: { id: string } }>('/requests/:id', async ({ params, keyId }) => {
    const isAdmin = keyId !== null && keyId === adminKeyId
    const record = isAdmin
      ? await requestLog.findOfAnyone(params.id)
      : await requestLog.find(params.id, keyId ?? undefined)
    if (record) return presentRequest(record)
    throw new GatewayError('NOT_FOUND', `There is no finished request "${params.id}".`)
  })
}
