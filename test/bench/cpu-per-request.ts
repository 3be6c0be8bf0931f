import type { Benchmark, Goal, Table } from './benchmark.ts'
import { checkAnswers } from './check-answer.ts'
import { expireImages } from './expire-images.ts'
import { PICTURE_NAMES, type PictureSize } from './noise-picture.ts'
import { formatFigure } from './print-report.ts'
import {
  describeWork,
  type GatewayWork,
  PASS_THROUGH,
  PORTKEY,
  type Side,
  startFresnel,
  startPassThrough,
  startPortkeySide,
} from './sides.ts'
import { type Stage, withStage } from './stage.ts'
import {
  describeValues,
  IN_FLIGHT,
  inFlight,
  medianOf,
  type Rounds,
  ratioOf,
  ratiosOf,
  takeRounds,
} from './turns.ts'

/** How long each side serves in a turn: the processor's time is counted in steps of 10 ms. */
const TURN = inFlight(1_500)

/** Compilers are done with a gateway's own code by then, which bodies of this size show: after 8,000 they took a tenth. */
const TINY_WARM_UP = { kind: 'count', inFlight: IN_FLIGHT, count: 25_000 } as const
const WARM_UP = inFlight(3_000)

/** By place among the sides. */
const [FRESNEL, BARE, OTHER] = [0, 1, 2]

/** Waiting for jobs is fal's time, not the processor's: it is looked at after 25 ms instead of 500. */
const QUICK_POLLS = { TIME_SCALE: '20' }

export const startThreeSides = async (
  { keep, upstreamPort }: Stage,
  work: GatewayWork,
): Promise<readonly Side[]> => {
  const environment = work.provider === 'fal' ? QUICK_POLLS : {}
  return [
    await keep(startFresnel(upstreamPort, work, environment)),
    await keep(startPassThrough(upstreamPort)),
    await keep(startPortkeySide(upstreamPort)),
  ]
}

/** The rounds of each size. */
type BySize = ReadonlyMap<PictureSize, Rounds>

const measureSizes = (sizes: readonly PictureSize[], work: GatewayWork): Promise<BySize> =>
  withStage(sizes, async (stage) => {
    const sides = await startThreeSides(stage, work)
    const measured = new Map<PictureSize, Rounds>()
    for (const size of sizes) {
      await checkAnswers(stage, sides, size)
      const warmUp = size === 'tiny' ? TINY_WARM_UP : WARM_UP
      const stopExpiring = expireImages(sides[FRESNEL]?.mediaFolder ?? '')
      measured.set(size, await takeRounds(stage, sides, { size, rhythm: TURN, warmUp }))
      await stopExpiring()
    }
    return measured
  })

const tablesOf = (measured: BySize, work: GatewayWork): readonly Table[] => {
  const columns = [...measured.keys()].map((size) => PICTURE_NAMES[size])
  const all = [...measured.values()]
  const names = [describeWork(work), PASS_THROUGH, PORTKEY]
  return [
    {
      title: 'Processor time for each request at 32 in flight, median of the rounds',
      columns: ['ms', ...columns],
      rows: names.map((name, place) => [
        name,
        ...all.map((rounds) => formatFigure(medianOf(rounds, place, 'cpuMsPerRequest'))),
      ]),
    },
    {
      title: 'Ratio of each round: median (least–most)',
      columns: ['Fresnel against', ...columns],
      rows: [BARE, OTHER].map((place) => [
        names[place] as string,
        ...all.map((rounds) =>
          describeValues(ratiosOf(rounds, [FRESNEL, place], 'cpuMsPerRequest')),
        ),
      ]),
    },
    {
      title: 'Requests a second, median of the rounds',
      columns: ['1/s', ...columns],
      rows: names.map((name, place) => [
        name,
        ...all.map((rounds) => formatFigure(medianOf(rounds, place, 'requestsPerSecond'))),
      ]),
    },
  ]
}

const ratioGoal = (measured: BySize, size: PictureSize, against: number, atMost: number): Goal => ({
  name: `processor time at ${PICTURE_NAMES[size]} against ${against === BARE ? PASS_THROUGH : PORTKEY}`,
  value: ratioOf(measured.get(size) as Rounds, [FRESNEL, against], 'cpuMsPerRequest'),
  atMost,
  unit: '×',
})

/** A benchmark of these sizes, and the goals of what was measured. */
const cpuBenchmark = (
  name: string,
  description: string,
  sizes: readonly PictureSize[],
  work: GatewayWork,
  goalsOf: (measured: BySize) => readonly Goal[],
): Benchmark => ({
  name,
  description,
  run: async () => {
    const measured = await measureSizes(sizes, work)
    return { tables: tablesOf(measured, work), goals: goalsOf(measured) }
  },
})

const ALL_SIZES = ['tiny', 'small', 'usual'] as const

export const cpuGeminiB64 = cpuBenchmark(
  'cpu-gemini-b64',
  'Processor time of the process for each request: Gemini’s base64 becomes `b64_json`, through the real SDK, with keys, request log and metrics.',
  ALL_SIZES,
  { provider: 'gemini', responseFormat: 'b64_json' },
  (measured) => [
    ratioGoal(measured, 'usual', BARE, 1.6),
    ratioGoal(measured, 'usual', OTHER, 1 / 6),
  ],
)

export const cpuFalB64 = cpuBenchmark(
  'cpu-fal-b64',
  'The same for fal: submit, status, result and file, whose bytes become `b64_json`.',
  ALL_SIZES,
  { provider: 'fal', responseFormat: 'b64_json' },
  (measured) => [ratioGoal(measured, 'usual', BARE, 2), ratioGoal(measured, 'usual', OTHER, 1 / 6)],
)

export const cpuGeminiUrl = cpuBenchmark(
  'cpu-gemini-url',
  'The same for Gemini’s base64 that becomes a hosted file, answered as `url`. The bare proxy and Portkey answer base64.',
  ALL_SIZES,
  { provider: 'gemini', responseFormat: 'url' },
  (measured) => [ratioGoal(measured, 'usual', BARE, 2), ratioGoal(measured, 'usual', OTHER, 1 / 6)],
)

export const cpuTiny = cpuBenchmark(
  'cpu-tiny',
  'Processor time for each request when the picture is tiny: what authentication, checks, routing, statistics, log and metrics take.',
  ['tiny'],
  { provider: 'gemini', responseFormat: 'b64_json' },
  (measured) => [
    {
      name: 'processor time for each request',
      value: medianOf(measured.get('tiny') as Rounds, FRESNEL, 'cpuMsPerRequest'),
      atMost: 0.6,
      unit: 'ms',
    },
    ratioGoal(measured, 'tiny', OTHER, 1 / 3),
  ],
)
