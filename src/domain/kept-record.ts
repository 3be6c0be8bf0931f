import type { RequestRecord } from './request-record.ts'

/**
 * A record with the explanation of its routing as JSON. That is most of it, hardly ever read, and a hundred small objects
 * otherwise, which each garbage collection would go through for as long as they are kept.
 */
export interface KeptRecord extends Omit<RequestRecord, 'routing'> {
  /** Of a request that is pending as it is: choices are still to come. */
  readonly routing: string | RequestRecord['routing']
}

export const keepRecord = (record: RequestRecord): KeptRecord =>
  record.status === 'pending' ? record : { ...record, routing: JSON.stringify(record.routing) }

/** JSON has no infinity, which a score can be, and a record no null. */
export const reviveInfinity = (_name: string, value: unknown): unknown =>
  value === null ? Number.POSITIVE_INFINITY : value

export const unfoldRecord = ({ routing, ...rest }: KeptRecord): RequestRecord => ({
  ...rest,
  routing: typeof routing === 'string' ? JSON.parse(routing, reviveInfinity) : routing,
})

/** The whole record as JSON. */
export const recordText = ({ routing, ...rest }: KeptRecord): string =>
  `${JSON.stringify(rest).slice(0, -1)},"routing":${typeof routing === 'string' ? routing : JSON.stringify(routing)}}`
