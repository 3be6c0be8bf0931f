import { benchOptions } from './bench-options.ts'
import type { Rhythm } from './load.ts'
import { median, quantile } from './measure.ts'
import type { PictureSize } from './noise-picture.ts'
import { formatFigure } from './print-report.ts'
import { readCpuMs } from './process-stats.ts'
import type { Side } from './sides.ts'
import type { Stage } from './stage.ts'
import { undisturbed } from './undisturbed.ts'

/* Load on several sides in turns: one serves, the others are idle. */

/** What one side did in one turn. */
export interface Turn {
  readonly requests: number
  /** Processor time of the side's process for each request, in ms. */
  readonly cpuMsPerRequest: number
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** The turns of each side, in the order of the sides. */
export type Rounds = readonly (readonly Turn[])[]

export interface TurnOptions {
  readonly size: PictureSize
  readonly rhythm: Rhythm
  /** What goes before the first round, for compilers, caches and connections to be as they stay. */
  readonly warmUp: Rhythm
}

/** Requests at a time wherever a goal does not say otherwise. */
export const IN_FLIGHT = 32

export const inFlight = (forMs: number, atOnce = IN_FLIGHT): Rhythm => ({
  kind: 'in flight',
  inFlight: atOnce,
  forMs,
})

const takeTurn = async (stage: Stage, { pid, target }: Side, rhythm: Rhythm): Promise<Turn> => {
  const cpuBeforeMs = await readCpuMs(pid)
  const { latenciesMs, tookMs } = await stage.load(target, rhythm)
  const cpuMs = (await readCpuMs(pid)) - cpuBeforeMs
  const requests = latenciesMs.length
  const ascending = Float64Array.from(latenciesMs).sort()
  return {
    requests,
    cpuMsPerRequest: cpuMs / requests,
    requestsPerSecond: (requests * 1_000) / tookMs,
    p50Ms: quantile(ascending, 0.5),
    p99Ms: quantile(ascending, 0.99),
  }
}

/** Lets each side serve the same in turns, round by round. */
export const takeRounds = async (
  stage: Stage,
  sides: readonly Side[],
  { size, rhythm, warmUp }: TurnOptions,
): Promise<Rounds> => {
  await stage.upstream.call('set', { size, isHeld: false })
  for (const { target } of sides) await stage.load(target, warmUp)
  const turns: Turn[][] = sides.map(() => [])
  for (let round = 0; round < benchOptions.rounds; round += 1) {
    // Another begins each round, so that none always follows the same.
    const inTurn = sides.map((_, index) => (index + round) % sides.length)
    for (const place of inTurn) {
      const side = sides[place] as Side
      turns[place]?.push(await undisturbed(() => takeTurn(stage, side, rhythm)))
    }
  }
  return turns
}

/** A figure of a turn by its name. */
export type Figure = Exclude<keyof Turn, 'requests'>

/** The median of one side's turns. */
export const medianOf = (rounds: Rounds, place: number, figure: Figure): number =>
  median((rounds[place] as readonly Turn[]).map((turn) => turn[figure]))

/** What one side makes of another in the same round, for each round. */
export const ratiosOf = (
  rounds: Rounds,
  [place, against]: readonly [number, number],
  figure: Figure,
): readonly number[] => {
  const others = rounds[against] as readonly Turn[]
  return (rounds[place] as readonly Turn[]).map(
    (turn, round) => turn[figure] / (others[round] as Turn)[figure],
  )
}

/** The median of them. */
export const ratioOf = (
  rounds: Rounds,
  places: readonly [number, number],
  figure: Figure,
): number => median(ratiosOf(rounds, places, figure))

/** The median and between which values they lay, such as `1.52 (1.48–1.60)`. */
export const describeValues = (values: readonly number[]): string => {
  const [least, most] = [Math.min(...values), Math.max(...values)].map(formatFigure)
  return `${formatFigure(median(values))} (${least}–${most})`
}
