import {
  type HourRecord,
  LATENCY_BINS,
  noCounts,
  type OutcomeCounts,
} from '#src/domain/provider-stats.ts'

const COUNTS = Object.keys(noCounts()) as (keyof OutcomeCounts)[]

/** More than there are bins, so that a bin and how many it holds fit into one number. */
const BIN_BASE = 64

type Bins = HourRecord['latencyBins']

const packBins = (into: number[], bins: Bins): void => {
  const start = into.push(0)
  for (let bin = 0; bin < LATENCY_BINS; bin += 1) {
    const count = bins[bin]
    if (count !== undefined) into.push(count * BIN_BASE + bin)
  }
  into[start - 1] = into.length - start
}

/** The bins whose number stands at `at`. */
const unpackBins = (numbers: Float64Array, at: number): Bins => {
  const bins: Record<number, number> = {}
  const end = at + (numbers[at] ?? 0)
  for (let index = at + 1; index <= end; index += 1) {
    const packed = numbers[index] ?? 0
    bins[packed % BIN_BASE] = Math.floor(packed / BIN_BASE)
  }
  return bins
}

/** An hour that unpacks its numbers each time that they are looked at. */
class PackedHour implements HourRecord {
  readonly configKey: string
  readonly mode: HourRecord['mode']
  readonly tier: HourRecord['tier']
  readonly hourMs: number
  readonly #numbers: Float64Array
  readonly #at: number

  constructor(hour: HourRecord, numbers: Float64Array, at: number) {
    this.configKey = hour.configKey
    this.mode = hour.mode
    this.tier = hour.tier
    this.hourMs = hour.hourMs
    this.#numbers = numbers
    this.#at = at
  }

  get counts(): OutcomeCounts {
    const counts = noCounts()
    let at = this.#at
    for (const name of COUNTS) {
      counts[name] = this.#numbers[at] ?? 0
      at += 1
    }
    return counts
  }

  get latencyBins(): Bins {
    return unpackBins(this.#numbers, this.#at + COUNTS.length)
  }

  get firstByteBins(): Bins {
    const latency = this.#at + COUNTS.length
    return unpackBins(this.#numbers, latency + 1 + (this.#numbers[latency] ?? 0))
  }
}

/** The same hours in about a quarter of the memory, for keeping a month of them. */
export const packHours = (hours: readonly HourRecord[]): readonly HourRecord[] => {
  const numbers: number[] = []
  const starts = hours.map((hour) => {
    const at = numbers.length
    for (const name of COUNTS) numbers.push(hour.counts[name])
    packBins(numbers, hour.latencyBins)
    packBins(numbers, hour.firstByteBins)
    return at
  })
  const packed = Float64Array.from(numbers)
  return hours.map((hour, index) => new PackedHour(hour, packed, starts[index] ?? 0))
}
