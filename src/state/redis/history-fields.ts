import {
  HOUR_MS,
  type HourRecord,
  LATENCY_BINS,
  latencyBinOf,
  noCounts,
  type Observation,
  type OutcomeCounts,
  parseCellId,
} from '#src/domain/provider-stats.ts'
import { addField, fieldsOf, readSum, splitField } from './count-fields.ts'
import { DAY_MS } from './redis-keys.ts'

/*
 * A day of an offering is one hash. Its fields: `<hour 0-23>|<mode>|<tier>|<field>`, where the field is one of a
 * bucket's, or `b<bin>` of durations, or `y<bin>` of times to first byte. Counts of attempts that were cut short stand
 * in fields of their own, `x` before a bucket's: they happened, but are no measure of the provider.
 */

const CUT_SHORT = 'x'

/** What one attempt adds to its hour. */
export const historyFieldsOf = (observation: Observation): [field: string, by: number][] => {
  const prefix = observation.isCutShort ? CUT_SHORT : ''
  const fields = fieldsOf(observation).map(([field, by]): [field: string, by: number] => [
    prefix + field,
    by,
  ])
  if (observation.outcome !== 'success') return fields
  fields.push([`b${latencyBinOf(observation.durationMs)}`, 1])
  if (observation.firstByteMs !== undefined) {
    fields.push([`y${latencyBinOf(observation.firstByteMs)}`, 1])
  }
  return fields
}

/** Which day's hash an hour lies in, and what its fields begin with there. */
export const placeOfHour = (hourMs: number): readonly [day: number, prefix: string] => {
  const day = Math.floor(hourMs / DAY_MS)
  return [day, `${Math.floor((hourMs - day * DAY_MS) / HOUR_MS)}|`]
}

interface OpenHour extends HourRecord {
  readonly counts: OutcomeCounts
  readonly latencyBins: Record<number, number>
  readonly firstByteBins: Record<number, number>
}

const addHistoryField = (hour: OpenHour, field: string, sum: number): void => {
  const count = field.startsWith(CUT_SHORT) ? field.slice(CUT_SHORT.length) : field
  if (addField(hour.counts, count, sum)) return
  const bin = readSum(field.slice(1))
  if (bin === undefined || bin >= LATENCY_BINS) return
  if (field.startsWith('b')) hour.latencyBins[bin] = sum
  if (field.startsWith('y')) hour.firstByteBins[bin] = sum
}

const openHour = (configKey: string, day: number, place: string): OpenHour | undefined => {
  const [hourText = '', ...shape] = place.split('|')
  const hour = readSum(hourText)
  const cell = parseCellId([configKey, ...shape].join('|'))
  if (!cell || hour === undefined || hour > 23) return undefined
  const hourMs = day * DAY_MS + hour * HOUR_MS
  return { ...cell, hourMs, counts: noCounts(), latencyBins: {}, firstByteBins: {} }
}

/** The hours of a day; fields that cannot be read are left out. `which`: all attempts, or those that measure the provider. */
export const parseHistory = (
  configKey: string,
  day: number,
  hash: Readonly<Record<string, string>>,
  which: 'all' | 'measures' = 'all',
): HourRecord[] => {
  const hours = new Map<string, OpenHour>()
  for (const [name, text] of Object.entries(hash)) {
    const sum = readSum(text)
    if (sum === undefined) continue
    const [place, field] = splitField(name)
    if (which === 'measures' && field.startsWith(CUT_SHORT)) continue
    const hour = hours.get(place) ?? openHour(configKey, day, place)
    if (!hour) continue
    hours.set(place, hour)
    addHistoryField(hour, field, sum)
  }
  return [...hours.values()]
}
