import {
  isPosition,
  positionOf,
  positionPartOf,
  timeOfMoment,
} from '#src/domain/request-position.ts'
import type { RequestRecord } from '#src/domain/request-record.ts'
import type { FilteredFields, Placed } from '#src/domain/request-selection.ts'

/*
 * What the index of the log holds of a request, so that filters and sums need no record:
 * `<moment> <key id> <id> <status> <cost> <model>`, each part encoded. The index is sorted by it, so by position.
 */

export interface LogEntry extends Placed, FilteredFields {
  /** Micro-USD. */
  readonly cost: number
  /** As the index has it. */
  readonly text: string
}

const STATUSES: ReadonlySet<string> = new Set<RequestRecord['status']>([
  'completed',
  'pending',
  'rejected',
  'upstream_failure',
  'cancelled',
])

const isStatus = (text: string): text is RequestRecord['status'] => STATUSES.has(text)

/** What stands in the index behind the position. */
export const entryFieldsOf = ({ status, cost, model }: RequestRecord): string =>
  `${status} ${Math.round(cost)} ${positionPartOf(model)}`

/** An entry of a record that the index does not have yet. */
export const entryOf = (record: RequestRecord): LogEntry => {
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

const ENTRY = /^([0-9a-z]+) ([!-~]*) ([!-~]+) ([a-z_]+) (\d{1,15}) ([!-~]*)$/

/** Reads an entry; `undefined` for anything else that somebody put there. */
export const parseEntry = (text: string): LogEntry | undefined => {
  const [, moment = '', key = '', id = '', status = '', cost = '', encoded = ''] =
    ENTRY.exec(text) ?? []
  const [keyId, model] = [decode(key), decode(encoded)]
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
  }
}
