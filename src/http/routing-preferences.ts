import type { IncomingHttpHeaders } from 'node:http'
import { Ajv } from 'ajv'
import { invalidRequest } from '#src/domain/errors.ts'
import {
  type RoutingField,
  RoutingFieldSchema,
  type RoutingPreferences,
  SORTS,
  type Sort,
  type Warning,
} from '#src/domain/image-request.ts'
import { isJsonObject, type JsonValue, withoutNulls } from '#src/domain/json.ts'
import { once } from '#src/domain/once.ts'
import { OWN_SCHEMA } from '#src/domain/own-schema.ts'
import { readFlag } from './read-flag.ts'

const validator = once(() => new Ajv(OWN_SCHEMA).compile<RoutingField>(RoutingFieldSchema))
const KNOWN_FIELDS = Object.keys(RoutingFieldSchema.properties)

/** What a client wishes of routing, besides the model. */
export interface RoutingWishes {
  readonly routing: RoutingPreferences
  readonly isStrict: boolean
  /** Wishes that are not known here. */
  readonly warnings: readonly Warning[]
}

/** JSON null is the same as absent, here too. */
const readProviderField = (value: JsonValue | undefined): RoutingField => {
  if (value === undefined) return {}
  const field = isJsonObject(value) ? withoutNulls(value) : value
  const validate = validator()
  if (validate(field)) return field
  const error = validate.errors?.[0]
  const param = `provider${(error?.instancePath ?? '').replaceAll('/', '.')}`
  const allowed = error?.keyword === 'enum' ? `: ${String(error.params['allowedValues'])}` : ''
  throw invalidRequest(`${param} ${error?.message ?? 'is wrong'}${allowed}.`, param)
}

const unknownFieldWarnings = (field: RoutingField): Warning[] =>
  Object.entries(field)
    .filter(([name, value]) => !KNOWN_FIELDS.includes(name) && value !== false)
    .map(([name]) => {
      const param = `provider.${name.slice(0, 64)}`
      return {
        type: 'unsupported',
        param,
        message: `"${param}" is not known here and was ignored.`,
      }
    })

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

/** Time that the client gives the request, in real ms; `undefined`: it does not say. */
export const readWishedTime = (headers: IncomingHttpHeaders): number | undefined => {
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
    hedge: field.hedge,
  })
  return {
    routing,
    isStrict:
      field.strict ?? readFlag(headers['x-gateway-strict'] || undefined, 'x-gateway-strict'),
    warnings: unknownFieldWarnings(field),
  }
}
