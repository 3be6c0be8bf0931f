import type { IncomingHttpHeaders } from 'node:http'
import { Ajv } from 'ajv'
import { type Static, Type } from 'typebox'
import { invalidRequest } from '#src/domain/errors.ts'
import { type RoutingPreferences, SORTS, type Sort } from '#src/domain/image-request.ts'
import type { JsonValue } from '#src/domain/json.ts'

const slugs = Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
  minItems: 1,
  maxItems: 32,
})

/** The body field `provider`. */
const ProviderFieldSchema = Type.Object(
  {
    order: Type.Optional(slugs),
    only: Type.Optional(slugs),
    ignore: Type.Optional(slugs),
    sort: Type.Optional(Type.Unsafe<Sort>({ type: 'string', enum: [...SORTS] })),
    max_price: Type.Optional(Type.Number({ minimum: 0 })),
    allow_fallbacks: Type.Optional(Type.Boolean()),
    strict: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)

const validate = new Ajv().compile<Static<typeof ProviderFieldSchema>>(ProviderFieldSchema)

/** What a client wishes of routing, besides the model. */
export interface RoutingWishes {
  readonly routing: RoutingPreferences
  readonly isStrict: boolean
  /** Absent: the gateway's own deadline. */
  readonly timeoutMs?: number
}

const readProviderField = (value: JsonValue | undefined): Static<typeof ProviderFieldSchema> => {
  if (value === undefined) return {}
  if (validate(value)) return value
  const error = validate.errors?.[0]
  const path = `provider${(error?.instancePath ?? '').replaceAll('/', '.')}`
  const extra = error?.params['additionalProperty']
  const param = extra === undefined ? path : `${path}.${String(extra).slice(0, 64)}`
  const allowed = Object.keys(ProviderFieldSchema.properties).join(', ')
  throw invalidRequest(
    `${param} ${error?.message ?? 'is wrong'}; allowed fields: ${allowed}.`,
    param,
  )
}

const listHeader = (headers: IncomingHttpHeaders, name: string): string[] | undefined => {
  const entries = String(headers[name] ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
  return entries.length > 0 ? entries : undefined
}

const readSort = (headers: IncomingHttpHeaders): Sort | undefined => {
  const text = headers['x-gateway-provider-sort']
  const sort = SORTS.find((entry) => entry === text)
  if (text === undefined || sort) return sort
  const message = `x-gateway-provider-sort must be one of ${SORTS.join(', ')}.`
  throw invalidRequest(message, 'x-gateway-provider-sort')
}

const readTimeout = (headers: IncomingHttpHeaders): number | undefined => {
  const text = headers['x-gateway-timeout-ms']
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,8}$/.test(String(text))) return Number(text)
  throw invalidRequest(
    'x-gateway-timeout-ms must be a whole number of milliseconds, at least 1.',
    'x-gateway-timeout-ms',
  )
}

/** Leaves out what is undefined. */
const defined = <T extends object>(value: { [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as T

/** Reads the body field `provider` and the headers that say the same; the body wins. */
export const readRoutingWishes = (
  providerField: JsonValue | undefined,
  headers: IncomingHttpHeaders,
): RoutingWishes => {
  const field = readProviderField(providerField)
  const routing = defined<RoutingPreferences>({
    order: field.order ?? listHeader(headers, 'x-gateway-provider-order'),
    only: field.only ?? listHeader(headers, 'x-gateway-provider-only'),
    ignore: field.ignore ?? listHeader(headers, 'x-gateway-provider-ignore'),
    sort: field.sort ?? readSort(headers),
    maxPrice: field.max_price,
    allowFallbacks: field.allow_fallbacks,
  })
  const timeoutMs = readTimeout(headers)
  return {
    routing,
    isStrict: field.strict ?? headers['x-gateway-strict'] === 'true',
    ...(timeoutMs !== undefined && { timeoutMs }),
  }
}
