import { countsOf, type Observation, type OutcomeCounts } from '#src/domain/provider-stats.ts'

/** Sums by the name of a hash's field; integers, as Redis adds nothing else exactly. */
export type FieldSums = Map<string, number>

/** A number as Redis adds it: no sign, no leading zero. */
const SUM = /^(?:0|[1-9]\d{0,15})$/

/** Reads a sum out of Redis; `undefined`: it is none, and nobody should count with it. */
export const readSum = (text: string): number | undefined => {
  const sum = SUM.test(text) ? Number(text) : undefined
  return sum !== undefined && Number.isSafeInteger(sum) ? sum : undefined
}

/** The field of each count, and how many of its units make one. */
const COUNT_FIELDS = {
  success: ['s', 1],
  outage: ['f', 1],
  timeout: ['t', 1],
  empty: ['n', 1],
  rate_limited: ['q', 1],
  refused: ['c', 1],
  logLatency: ['L', 1_000_000],
  logLatencySquared: ['Q', 1_000_000],
  successMs: ['S', 1],
  failureMs: ['D', 1],
} as const satisfies Record<keyof OutcomeCounts, readonly [string, number]>

const FIELDS = Object.entries(COUNT_FIELDS) as [
  keyof OutcomeCounts,
  (typeof COUNT_FIELDS)[keyof OutcomeCounts],
][]

const COUNT_OF_FIELD: ReadonlyMap<string, readonly [keyof OutcomeCounts, number]> = new Map(
  FIELDS.map(([count, [field, units]]) => [field, [count, units]]),
)

/** What one attempt adds to which field. */
export const fieldsOf = (observation: Observation): [field: string, by: number][] => {
  const counts = countsOf(observation)
  const fields: [string, number][] = []
  for (const [count, [field, units]] of FIELDS) {
    const by = Math.round(counts[count] * units)
    if (by !== 0) fields.push([field, by])
  }
  return fields
}

/** Adds a field's sum to the counts that it belongs to. False: it is no field of counts. */
export const addField = (into: OutcomeCounts, field: string, sum: number): boolean => {
  const found = COUNT_OF_FIELD.get(field)
  if (!found) return false
  const [count, units] = found
  into[count] += sum / units
  return true
}

export const addTo = (sums: FieldSums, field: string, by: number): void => {
  sums.set(field, (sums.get(field) ?? 0) + by)
}

/** `<cell id>|s` → the cell's id and `s`. */
export const splitField = (name: string): readonly [before: string, field: string] => {
  const end = name.lastIndexOf('|')
  return [name.slice(0, end), name.slice(end + 1)]
}
