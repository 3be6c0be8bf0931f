import type { MeasureName } from './measures.ts'

/** What the gateway's policy must reach in one measure of one scenario. */
export interface Bar {
  readonly scenario: string
  readonly measure: MeasureName
  readonly direction: 'at most' | 'at least'
  /** What was set on the seeds that the bar was found with. Absent: only the relative form was. */
  readonly absolute?: number
  /**
   * What is judged on any seeds: the oracle's figure times `times`, or plus `plus`, or that of the static peer times
   * `timesStatic`, or that of the gateway run in another way, or the scenario of that name (without hedges, or
   * with gateways that share) times `timesPlain`, or plus `plusPlain`. Absent: `absolute` is judged.
   */
  readonly relative?:
    | { readonly times: number }
    | { readonly plus: number }
    | { readonly timesStatic: number }
    | { readonly timesRival: { readonly name: string; readonly factor: number } }
    | { readonly timesPlain: { readonly scenario: string; readonly factor: number } }
    | { readonly plusPlain: { readonly scenario: string; readonly points: number } }
}

const times = (scenario: string, measure: MeasureName, absolute: number, factor: number): Bar => ({
  scenario,
  measure,
  direction: 'at most',
  absolute,
  relative: { times: factor },
})

/** Points of success below the oracle's that are allowed. */
const below = (scenario: string, absolute: number, points: number): Bar => ({
  scenario,
  measure: 'success',
  direction: 'at least',
  absolute,
  relative: { plus: -points },
})

const atMost = (scenario: string, measure: MeasureName, absolute: number): Bar => ({
  scenario,
  measure,
  direction: 'at most',
  absolute,
})

const plain = (
  scenario: string,
  measure: MeasureName,
  of: string,
  absolute: number,
  factor: number,
): Bar => ({
  scenario,
  measure,
  direction: 'at most',
  absolute,
  relative: { timesPlain: { scenario: of, factor } },
})

const beatsOneCell = (scenario: string, absolute: number): Bar => ({
  scenario,
  measure: 'pmt',
  direction: 'at most',
  absolute,
  relative: { timesRival: { name: 'one cell', factor: 1 } },
})

/**
 * The bars. Where a bar was set as a number only, its distance from the oracle on the seeds that it was found with is
 * what is judged: on other seeds the oracle's own figures differ by more than the margins.
 */
export const BARS: readonly Bar[] = [
  times('S1', 'pmt', 35.7, 1.03),
  below('S1', 99.3, 0.24),
  times('S1', 'p99', 138, 1.03),
  atMost('S1', 'usd', 0.0765),
  atMost('S1', 'exchangesInDecisions', 0),
  times('S1 mix B', 'pmt', 38, 1.03),
  below('S1 mix B', 99, 0.37),
  times('S1 20/s', 'pmt', 35.6, 1.03),
  times('S1 1/min', 'pmt', 35.8, 1.03),
  times('S2a', 'pmt', 41.2, 1.04),
  below('S2a', 98.8, 0.38),
  atMost('S2a', 'deadShare', 1.5),
  atMost('S2a', 'returned', 120),
  times('S2b', 'pmt', 42.4, 1.06),
  below('S2b', 98.7, 0.47),
  atMost('S2b', 'noticed', 20),
  atMost('S2b', 'deadShare', 3),
  {
    scenario: 'S2c',
    measure: 'stormAfter',
    direction: 'at most',
    absolute: 200,
    relative: { timesStatic: 0.1 },
  },
  times('S2b 1/min', 'pmt', 47, 1.21),
  below('S2b 1/min', 98.2, 1.2),
  below('S3f', 96.8, 1.43),
  times('S3f', 'pmt', 39.1, 1.08),
  below('S3g', 96.8, 1.46),
  times('S3g', 'pmt', 61.7, 1.13),
  atMost('S3g', 'deadShare', 14),
  times('S4', 'pmt', 52.4, 1.04),
  below('S4', 98.3, 0.68),
  atMost('S4', 'rateLimits', 0.35),
  times('S5', 'pmt', 39.5, 1.05),
  times('S6', 'pmt', 36.2, 1.05),
  below('S7', 60, 5),
  atMost('S7', 'attempts', 3.2),
  atMost('S8', 'refusedAttempts', 1),
  times('S8', 'refusedSeconds', 13.5, 1.07),
  atMost('S8', 'displaced', 1),
  times('S9', 'pmt', 42.1, 1.1),
  below('S9', 96.6, 1),
  below('S10', 98, 0.9),
  times('S10', 'pmt', 51.5, 1.047),
  times('S1 hedge', 'p99', 125, 0.99),
  plain('S1 hedge', 'usd', 'S1', 0.0783, 1.05),
  times('4K', 'pmt', 67.4, 1.05),
  beatsOneCell('4K', 78.5),
  times('4K uneven', 'pmt', 69.5, 1.12),
  beatsOneCell('4K uneven', 81.5),
]

/** What it may cost that gateways hear nothing of each other, against the same scenario where they do. */
export const aloneBars = (scenario: string, shared: string): readonly Bar[] => [
  {
    scenario,
    measure: 'pmt',
    direction: 'at most',
    relative: { timesPlain: { scenario: shared, factor: 1.06 } },
  },
  {
    scenario,
    measure: 'success',
    direction: 'at least',
    relative: { plusPlain: { scenario: shared, points: -0.3 } },
  },
]

/** The scenarios whose mean times, divided by the oracle's, make the composite; their mean and the worst of them. */
export const COMPOSITE = ['S1', 'S2a', 'S2b', 'S3f', 'S3g', 'S4', 'S5', 'S6', 'S8', 'S9'] as const
export const COMPOSITE_MEAN = 1.05
export const COMPOSITE_WORST = 1.13
/** A decision must be made within this at the 99th percentile, in µs. */
export const DECISION_P99_MICROSECONDS = 100
