/** One of several things that are timed against each other in the same run. */
export interface TimedCase {
  readonly name: string
  /** Does it once and says how long what matters took, in µs. */
  readonly sample: (index: number) => number | Promise<number>
}

export interface MeasureOptions {
  readonly rounds: number
  /** Samples of each case in one round. */
  readonly perRound: number
  /** Samples of a case before it is the next one's turn: few share the machine's moods evenly. */
  readonly perTurn: number
  /** Samples of each case that are thrown away, before the first round. */
  readonly warmUp: number
}

/** All samples of one case, in µs. */
export interface Timings {
  readonly name: string
  /** Each in ascending order. */
  readonly rounds: readonly Float64Array[]
}

export interface Summary {
  readonly samples: number
  readonly p50: number
  readonly p99: number
  readonly mean: number
}

/** Runs what takes no time of others and says how long it took, in µs. */
export const timeSync = (act: () => void): number => {
  const startMs = performance.now()
  act()
  return (performance.now() - startMs) * 1000
}

const takeTurns = async (
  cases: readonly TimedCase[],
  samples: readonly Float64Array[],
  firstIndex: number,
  { perRound, perTurn }: Pick<MeasureOptions, 'perRound' | 'perTurn'>,
): Promise<void> => {
  for (let from = 0; from < perRound; from += perTurn) {
    const until = Math.min(perRound, from + perTurn)
    for (const [place, { sample }] of cases.entries()) {
      const into = samples[place] as Float64Array
      for (let index = from; index < until; index += 1) {
        const taken = sample(firstIndex + index)
        into[index] = typeof taken === 'number' ? taken : await taken
      }
    }
  }
}

/** Times the cases in turns, so that whatever else the machine does meets all of them alike. */
export const measure = async (
  cases: readonly TimedCase[],
  options: MeasureOptions,
): Promise<readonly Timings[]> => {
  const { rounds, perRound, perTurn, warmUp } = options
  const empty = (length: number) => cases.map(() => new Float64Array(length))
  await takeTurns(cases, empty(warmUp), 0, { perRound: warmUp, perTurn })
  const taken: Float64Array[][] = []
  for (let round = 0; round < rounds; round += 1) {
    const samples = empty(perRound)
    await takeTurns(cases, samples, warmUp + round * perRound, { perRound, perTurn })
    taken.push(samples.map((each) => each.sort()))
  }
  return cases.map(({ name }, place) => ({
    name,
    rounds: taken.map((samples) => samples[place] as Float64Array),
  }))
}

/** The value below which a share of them lies; they are in ascending order, at least one. */
export const quantile = (ascending: Float64Array, share: number): number =>
  ascending[Math.min(ascending.length - 1, Math.floor(share * ascending.length))] as number

export const median = (values: readonly number[]): number =>
  quantile(Float64Array.from(values).sort(), 0.5)

/** Of all rounds together. */
export const summarize = ({ rounds }: Timings): Summary => {
  const all = Float64Array.from(rounds.flatMap((round) => [...round])).sort()
  return {
    samples: all.length,
    p50: quantile(all, 0.5),
    p99: quantile(all, 0.99),
    mean: all.reduce((sum, value) => sum + value, 0) / all.length,
  }
}

/** One figure of two cases for each round: what the median of the second makes of the first's. */
export const compareRounds = (
  base: Timings,
  other: Timings,
  compare: (baseMedian: number, otherMedian: number) => number,
): readonly number[] =>
  base.rounds.map((round, index) =>
    compare(quantile(round, 0.5), quantile(other.rounds[index] as Float64Array, 0.5)),
  )
