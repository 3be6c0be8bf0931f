import { positionOf } from './request-position.ts'
import type {
  RequestFilter,
  RequestIdentity,
  RequestQuery,
  RequestRecord,
} from './request-record.ts'

/** Longest texts that a record keeps, in characters: clients choose some of them. */
const MAX_MODEL_CHARACTERS = 200
const MAX_USER_CHARACTERS = 512
const MAX_MESSAGE_CHARACTERS = 4_000

const cut = (text: string, characters: number): string => text.slice(0, characters).toWellFormed()

/** What a client calls its user, at a length that can be kept and logged. */
export const boundUser = (user: string): string => cut(user, MAX_USER_CHARACTERS)

/** The record with every text of the client's at a length that can be kept. */
export const boundRecord = (record: RequestRecord): RequestRecord => {
  const { model, user, errorMessage } = record
  return {
    ...record,
    model: cut(model, MAX_MODEL_CHARACTERS),
    ...(user !== undefined && { user: boundUser(user) }),
    ...(errorMessage !== undefined && { errorMessage: cut(errorMessage, MAX_MESSAGE_CHARACTERS) }),
  }
}

/** What filters look at. */
export type FilteredFields = Pick<RequestRecord, 'keyId' | 'status' | 'model' | 'createdAtMs'>

/** Whether a request is meant. */
export const createMatcher = (filter: RequestFilter): ((record: FilteredFields) => boolean) => {
  const { keyId, status, createdFromMs = 0, createdBeforeMs = Number.POSITIVE_INFINITY } = filter
  const model = filter.model === undefined ? undefined : cut(filter.model, MAX_MODEL_CHARACTERS)
  return (record) =>
    (keyId === undefined || (record.keyId ?? null) === keyId) &&
    (status === undefined || record.status === status) &&
    (model === undefined || record.model === model) &&
    record.createdAtMs >= createdFromMs &&
    record.createdAtMs < createdBeforeMs
}

/** Something with a position in the log. */
export interface Placed {
  readonly position: string
}

export const place = <Kept extends RequestIdentity>(
  record: Kept,
): Placed & { readonly record: Kept } => ({
  position: positionOf(record),
  record,
})

const newestFirst = (left: Placed, right: Placed): number =>
  left.position < right.position ? 1 : left.position > right.position ? -1 : 0

/** A page's entries, and the positions from which there is more; absent: there is none. */
export interface Selection<Entry> {
  readonly entries: readonly Entry[]
  readonly older?: string
  readonly newer?: string
}

/**
 * Cuts a page out of entries that match, in any order: all of them, or at least one more than the page on the side it is
 * read to and one on the other.
 */
export const selectPage = <Entry extends Placed>(
  matching: readonly Entry[],
  { limit, olderThan, newerThan }: RequestQuery,
): Selection<Entry> => {
  const sorted = matching.toSorted(newestFirst)
  const lies = ({ position }: Placed): boolean =>
    (olderThan === undefined || position < olderThan) &&
    (newerThan === undefined || position > newerThan)
  const within = sorted.filter(lies)
  const entries = newerThan === undefined ? within.slice(0, limit) : within.slice(-limit)
  const [newest, oldest] = [entries[0], entries.at(-1)]
  const hasNewer = newest !== undefined && sorted[0] !== newest
  const hasOlder = oldest !== undefined && sorted.at(-1) !== oldest
  return {
    entries,
    ...(hasOlder && { older: oldest.position }),
    ...(hasNewer && { newer: newest.position }),
  }
}
