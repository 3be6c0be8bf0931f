import type { FastifyInstance } from 'fastify'
import type { Clock } from '#src/domain/clock.ts'
import { usdFromMicroUsd } from '#src/domain/money.ts'
import { accountOf, type SpendLedger } from '#src/domain/spending.ts'
import { documentedOnly } from '#src/http/schemas/documented.ts'
import { balanceOperation } from '#src/http/schemas/request-operations.ts'

export interface BalanceRouteDependencies {
  readonly ledger: SpendLedger
  readonly clock: Clock
}

/**
 * `GET /balance`: what is left of the key's budget, less what is set aside for requests under way. What a key without
 * one spends is paid for afterwards.
 */
export const registerBalance = (
  app: FastifyInstance,
  { ledger, clock }: BalanceRouteDependencies,
): void => {
  app.get('/balance', { schema: balanceOperation, ...documentedOnly }, async ({ apiKey }) => {
    if (!apiKey?.budget) return { object: 'balance', billing_type: 'postpaid', available: null }
    const left = await ledger.available(accountOf(apiKey.id, apiKey.budget, clock.now()))
    return {
      object: 'balance',
      billing_type: 'prepaid',
      available: { amount: usdFromMicroUsd(Math.max(0, left)), currency: 'usd' },
    }
  })
}
