import type { ApiKey, KeyBudget, KeyChange, KeyLimits, KeyTerms } from '#src/domain/api-key.ts'
import { instantOf } from '#src/domain/instant.ts'
import type { JsonObject } from '#src/domain/json.ts'
import { microUsdFromUsd, usdFromMicroUsd } from '#src/domain/money.ts'
import type { KeyBody } from './schemas/key-schema.ts'

const isoOf = (ms: number | undefined): string | null =>
  ms === undefined ? null : new Date(ms).toISOString()

/** A key as it is shown: never itself, nor its hash. */
export const presentKey = (key: ApiKey): JsonObject => {
  const { name, models, limits, budget } = key
  return {
    id: key.id,
    object: 'api_key',
    name: name ?? null,
    source: key.source,
    created_at: isoOf(key.createdAtMs),
    expires_at: isoOf(key.expiresAtMs),
    enabled: key.isEnabled,
    admin: key.isAdmin,
    models: models ? [...models] : null,
    limits: {
      requests_per_minute: limits.requestsPerMinute ?? null,
      concurrent: limits.concurrent ?? null,
    },
    budget: budget ? { usd: usdFromMicroUsd(budget.limit), period: budget.period } : null,
  }
}

/** Only the fields that were sent; null stays null. */
const given = <Field>(name: string, field: Field | undefined): Record<string, Field> =>
  field === undefined ? {} : { [name]: field }

const budgetOf = (budget: KeyBody['budget']): KeyBudget | null | undefined =>
  budget && { limit: microUsdFromUsd(budget.usd), period: budget.period }

const NO_LIMITS: Required<NonNullable<KeyChange['limits']>> = {
  requestsPerMinute: null,
  concurrent: null,
}

const limitsOf = (limits: KeyBody['limits']): KeyChange['limits'] =>
  limits === null
    ? NO_LIMITS
    : limits && {
        ...given('requestsPerMinute', limits.requests_per_minute),
        ...given('concurrent', limits.concurrent),
      }

/** A change as it was sent. */
export const readKeyChange = (body: KeyBody): KeyChange => {
  const { expires_at: expires } = body
  return {
    ...given('name', body.name),
    ...given('isEnabled', body.enabled),
    ...given(
      'expiresAtMs',
      expires === undefined || expires === null ? expires : instantOf(expires),
    ),
    ...given('models', body.models),
    ...given('limits', limitsOf(body.limits)),
    ...given('budget', budgetOf(body.budget)),
  }
}

const present = <T extends object>(fields: T) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))

/** A new key as it was sent: what is absent or null is not restricted. */
export const readKeyTerms = (body: KeyBody & { readonly admin?: boolean }): KeyTerms => {
  const { limits, ...change } = readKeyChange(body)
  return {
    isEnabled: true,
    ...(present(change) as Partial<KeyTerms>),
    isAdmin: body.admin === true,
    limits: present(limits ?? {}) as KeyLimits,
  }
}
