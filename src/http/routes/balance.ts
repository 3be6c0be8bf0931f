import type { FastifyInstance } from 'fastify'
import { documentedOnly } from '#src/http/schemas/documented.ts'
import { balanceOperation } from '#src/http/schemas/request-operations.ts'

/** `GET /balance`: what is left of the key's budget. No key has one: what it spends is paid for afterwards. */
export const registerBalance = (app: FastifyInstance): void => {
  app.get('/balance', { schema: balanceOperation, ...documentedOnly }, async () => ({
    object: 'balance',
    billing_type: 'postpaid',
    available: null,
  }))
}
