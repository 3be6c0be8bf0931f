import {
  isPosition,
  positionOf,
  positionPartOf,
  timeOfMoment,
} from '#src/domain/request-position.ts'
import type { RequestIdentity, RequestRecord } from '#src/domain/request-record.ts'
import type { FilteredFields, Placed } from '#src/domain/request-selection.ts'
import type { RequestFigures } from '#src/domain/request-usage.ts'

/*
 * What the index of the log holds of a request, so that filters and sums need no record:
 * `<moment> <key id> <id> <status> <cost> <model>|<provider>|<ms>|<tenths of ms>`, each part encoded. The index is sorted
 * by it, so by position. What stands behind the model is how long the request took, and the gateway of that; empty: not
 * known. Pending requests and those told by earlier versions lack it. Earlier versions, which may run beside this one,
 * take it for a part of the model's name: their pages and sums are right, but for those that are filtered by model.
 */

export interface LogEntry extends Placed, FilteredFields, RequestFigures {
  /** As the index has it. */
  readonly text: string
}

/** What of a record is in the index. */
type IndexedFields = FilteredFields & RequestFigures

const STATUSES: ReadonlySet<string> = new Set<RequestRecord['status']>([
  'completed',
  'pending',
  'rejected',
  'upstream_failure',
  'cancelled',
])

const isStatus = (text: string): text is RequestRecord['status'] => STATUSES.has(text)

/** No encoded part has one. */
const SEPARATOR = '|'

const MAX_COUNT = 999_999_999_999

/** A number that is not negative, whole; empty: not known. */
const countText = (value: number | undefined): string =>
  value === undefined ? '' : String(Math.min(MAX_COUNT, Math.max(0, Math.round(value))))

const figuresTextOf = ({ provider, durationMs, overheadMs }: IndexedFields): string => {
  const tenths = overheadMs === undefined ? undefined : overheadMs * 10
  return [positionPartOf(provider), countText(durationMs), countText(tenths)].join(SEPARATOR)
}

/** What stands in the index behind the position. */
export const entryFieldsOf = (record: IndexedFields): string => {
  const { status, cost, model } = record
  const fields = `${status} ${Math.round(cost)} ${positionPartOf(model)}`
  // That a request is pending is told in the same words by every version: what is known better is told apart by them.
  return status === 'pending' ? fields : `${fields}${SEPARATOR}${figuresTextOf(record)}`
}

/** An entry of a record that the index does not have yet. */
export const entryOf = (record: RequestIdentity & IndexedFields): LogEntry => {
  const position = positionOf(record)
  return { ...record, position, text: `${position} ${entryFieldsOf(record)}` }
}

/** `undefined`: it cannot be decoded. */
const decode = (part: string): string | undefined => {
  if (!part.includes('%')) return part
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}

/** `undefined`: it is none, or not known. */
const countOf = (text: string): number | undefined =>
  /^\d{1,12}$/.test(text) ? Number(text) : undefined

/** What stands behind the model; nothing of what cannot be read. */
const parseFigures = ([provider = '', ms = '', tenths = '']: readonly string[]): Pick<
  LogEntry,
  'provider' | 'durationMs' | 'overheadMs'
> => {
  const [slug, durationMs, tenthsOfMs] = [decode(provider), countOf(ms), countOf(tenths)]
  return {
    ...(slug && { provider: slug }),
    ...(durationMs !== undefined && { durationMs }),
    ...(tenthsOfMs !== undefined && { overheadMs: tenthsOfMs / 10 }),
  }
}

const ENTRY = /^([0-9a-z]+) ([!-~]*) ([!-~]+) ([a-z_]+) (\d{1,15}) ([!-~]*)$/

/** Reads an entry; `undefined` for anything else that somebody put there. */
export const parseEntry = (text: string): LogEntry | undefined => {
  const [, moment = '', key = '', id = '', status = '', cost = '', encoded = ''] =
    ENTRY.exec(text) ?? []
  const [name = '', ...figures] = encoded.split(SEPARATOR)
  const [keyId, model] = [decode(key), decode(name)]
  const position = `${moment} ${key} ${id}`
  if (!isStatus(status) || keyId === undefined || model === undefined) return undefined
  if (!isPosition(position)) return undefined
  return {
    text,
    position,
    createdAtMs: timeOfMoment(moment),
    ...(keyId !== '' && { keyId }),
    status,
    cost: Number(cost),
    model,
    ...parseFigures(figures),
  }
}
