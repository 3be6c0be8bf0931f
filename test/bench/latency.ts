import type { Benchmark, Goal, Table } from './benchmark.ts'
import { checkAnswers } from './check-answer.ts'
import { startThreeSides } from './cpu-per-request.ts'
import { formatFigure } from './print-report.ts'
import { type Side, startPassThrough } from './sides.ts'
import { withStage } from './stage.ts'
import {
  describeValues,
  type Figure,
  inFlight,
  medianOf,
  type Rounds,
  ratioOf,
  ratiosOf,
  type TurnOptions,
  takeRounds,
} from './turns.ts'

/* How long clients wait, and how many can be served: pictures of 1.5 MB, Gemini → b64_json. */

const [FRESNEL, BARE, OTHER] = [0, 1, 2]

interface Measured {
  readonly sides: readonly Side[]
  readonly rounds: Rounds
}

const measureUsual = (options: Omit<TurnOptions, 'size'>): Promise<Measured> =>
  withStage(['usual'], async (stage) => {
    const sides = [
      ...(await startThreeSides(stage, { provider: 'gemini', responseFormat: 'b64_json' })),
      await stage.keep(startPassThrough(stage.upstreamPort, { waitsForWhole: true })),
    ]
    await checkAnswers(stage, sides, 'usual')
    return { sides, rounds: await takeRounds(stage, sides, { ...options, size: 'usual' }) }
  })

/** Each side's figures, and what Fresnel makes of them. */
const tableOf = ({ sides, rounds }: Measured, figures: readonly [Figure, string][]): Table => ({
  title: 'Median of the rounds; ratio of Fresnel to the other: median (least–most)',
  columns: ['', ...figures.flatMap(([, name]) => [name, 'ratio'])],
  rows: sides.map(({ name }, place) => [
    name,
    ...figures.flatMap(([figure]) => [
      formatFigure(medianOf(rounds, place, figure)),
      place === FRESNEL ? '' : describeValues(ratiosOf(rounds, [FRESNEL, place], figure)),
    ]),
  ]),
})

const ratioGoal = (
  { sides, rounds }: Measured,
  [figure, name]: readonly [Figure, string],
  against: number,
  limit: Pick<Goal, 'atMost' | 'atLeast'>,
): Goal => ({
  name: `${name} against ${sides[against]?.name}`,
  value: ratioOf(rounds, [FRESNEL, against], figure),
  unit: '×',
  ...limit,
})

const P50 = ['p50Ms', 'p50 ms'] as const
const P99 = ['p99Ms', 'p99 ms'] as const
const SPEED = ['requestsPerSecond', 'requests/s'] as const

export const latencyAlone: Benchmark = {
  name: 'latency-alone',
  description: 'How long one request takes while there is no other: 1.5 MB, Gemini → b64_json.',
  run: async () => {
    const alone = { kind: 'count', inFlight: 1, count: 60 } as const
    // After 200 half of the code is not compiled yet, and one request takes 4 ms that takes 3.5 after 2,000.
    const measured = await measureUsual({ rhythm: alone, warmUp: { ...alone, count: 2_000 } })
    return {
      tables: [tableOf(measured, [[...P50], [...P99]])],
      goals: [ratioGoal(measured, P50, BARE, { atMost: 1.5 })],
    }
  },
}

export const latencyRate: Benchmark = {
  name: 'latency-rate',
  description:
    'How long requests take when 22 come each second whatever becomes of them, over 100 connections: 1.5 MB, Gemini → b64_json. Latencies count from when a request was due.',
  run: async () => {
    const rate = { kind: 'rate', perSecond: 22, connections: 100, forMs: 12_000 } as const
    const measured = await measureUsual({ rhythm: rate, warmUp: { ...rate, forMs: 6_000 } })
    return {
      tables: [tableOf(measured, [[...P50], [...P99]])],
      goals: [P50, P99].flatMap((figure) => [
        ratioGoal(measured, figure, BARE, { atMost: 2 }),
        ratioGoal(measured, figure, OTHER, { atMost: 1 / 20 }),
      ]),
    }
  },
}

export const throughput: Benchmark = {
  name: 'throughput',
  description:
    'Requests that one process serves in a second at 32 in flight: 1.5 MB, Gemini → b64_json.',
  run: async () => {
    const measured = await measureUsual({ rhythm: inFlight(3_000), warmUp: inFlight(4_000) })
    return {
      tables: [tableOf(measured, [[...SPEED]])],
      goals: [
        ratioGoal(measured, SPEED, OTHER, { atLeast: 7 }),
        ratioGoal(measured, SPEED, BARE, { atLeast: 0.6 }),
      ],
    }
  },
}
