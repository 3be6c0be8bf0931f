import type { OutputFormat } from '#src/domain/media.ts'
import { benchOptions } from './bench-options.ts'
import type { Benchmark, Goal, Table } from './benchmark.ts'
import { type Helper, startHelper } from './child-calls.ts'
import { median } from './measure.ts'
import { formatFigure } from './print-report.ts'
import type { Conversions, TranscoderHandlers } from './transcoder.ts'
import { describeValues } from './turns.ts'
import { undisturbed } from './undisturbed.ts'

const FORMATS: readonly OutputFormat[] = ['jpeg', 'webp', 'avif', 'png', 'gif']

const [USUAL_SIDE, LARGE_SIDE] = [1_024, 4_096]

/** Most that one conversion may take, in ms of processor time. */
const GOALS_MS = new Map([
  [USUAL_SIDE, 100],
  [LARGE_SIDE, 1_300],
])

const CROWD = 16

interface Measured {
  readonly side: number
  readonly to: OutputFormat
  readonly conversions: readonly Conversions[]
}

const measureFormat = async (
  { call }: Helper<TranscoderHandlers>,
  side: number,
  to: OutputFormat,
  atOnce: number,
): Promise<Measured> => {
  const conversions: Conversions[] = []
  // The first of each loads the encoder.
  await call('convert', { side, to, atOnce: 1 })
  for (let round = 0; round < benchOptions.rounds; round += 1) {
    conversions.push(await undisturbed(() => call('convert', { side, to, atOnce })))
  }
  return { side, to, conversions }
}

const measureAll = async (
  helper: Helper<TranscoderHandlers>,
  sides: readonly number[],
  atOnce: number,
): Promise<readonly Measured[]> => {
  const measured: Measured[] = []
  for (const side of sides) {
    for (const to of FORMATS) measured.push(await measureFormat(helper, side, to, atOnce))
  }
  return measured
}

const figuresOf = ({ conversions }: Measured, figure: keyof Conversions): readonly number[] =>
  conversions.map((each) => each[figure])

const singleTable = (measured: readonly Measured[]): Table => ({
  title: 'One picture, from a PNG like a photo: median (least–most)',
  columns: ['to', 'pixels', 'CPU ms', 'ms', 'kB'],
  rows: measured.map((each) => [
    each.to,
    `${each.side}²`,
    describeValues(figuresOf(each, 'cpuMs')),
    formatFigure(median(figuresOf(each, 'tookMs'))),
    formatFigure(median(figuresOf(each, 'sizeBytes')) / 1_000),
  ]),
})

const crowdTable = (measured: readonly Measured[]): Table => ({
  title: `${CROWD} at once of ${USUAL_SIDE}²: median (least–most)`,
  columns: ['to', 'CPU ms for each', 'ms in all', 'event loop p99, ms'],
  rows: measured.map((each) => [
    each.to,
    describeValues(figuresOf(each, 'cpuMs')),
    formatFigure(median(figuresOf(each, 'tookMs'))),
    describeValues(figuresOf(each, 'delayP99Ms')),
  ]),
})

const goalsOf = (singles: readonly Measured[], crowds: readonly Measured[]): readonly Goal[] => [
  ...singles.map((each) => ({
    name: `processor time of ${each.side}² to ${each.to}`,
    value: median(figuresOf(each, 'cpuMs')),
    atMost: GOALS_MS.get(each.side) ?? 0,
    unit: 'ms',
  })),
  {
    name: `p99 of the event loop's delay with ${CROWD} at once, the worst format`,
    value: Math.max(...crowds.map((each) => median(figuresOf(each, 'delayP99Ms')))),
    atMost: 10,
    unit: 'ms',
  },
]

export const transcoding: Benchmark = {
  name: 'transcoding',
  description:
    'What converting a picture takes, by the gateway’s own code in a process of its own: sharp’s threads and all.',
  run: async () => {
    const helper = startHelper<TranscoderHandlers>('transcoder.ts', {
      env: { ...process.env, GATEWAY_FOLDER: benchOptions.gatewayFolder },
    })
    try {
      const singles = await measureAll(helper, [USUAL_SIDE, LARGE_SIDE], 1)
      const crowds = await measureAll(helper, [USUAL_SIDE], CROWD)
      return {
        tables: [singleTable(singles), crowdTable(crowds)],
        goals: goalsOf(singles, crowds),
      }
    } finally {
      await helper.stop()
    }
  },
}
