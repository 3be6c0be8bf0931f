import type { OutputFormat } from '#src/domain/media.ts'
import { benchOptions } from './bench-options.ts'
import type { Benchmark, Goal, Table } from './benchmark.ts'
import { type Helper, startHelper } from './child-calls.ts'
import { median } from './measure.ts'
import { formatFigure } from './print-report.ts'
import type { Conversions, TranscoderHandlers } from './transcoder.ts'
import { describeValues } from './turns.ts'
import { undisturbed } from './undisturbed.ts'

interface Conversion {
  readonly from: 'png' | 'jpeg'
  readonly to: OutputFormat
}

/** What is a PNG already is passed on: from one to another is nothing that happens, and stands here to be compared. */
const CONVERSIONS: readonly Conversion[] = [
  { from: 'png', to: 'jpeg' },
  { from: 'png', to: 'webp' },
  { from: 'png', to: 'avif' },
  { from: 'png', to: 'gif' },
  { from: 'jpeg', to: 'png' },
  { from: 'png', to: 'png' },
]

const [USUAL_SIDE, LARGE_SIDE] = [1_024, 4_096]

/** Most that one conversion may take, in ms of processor time. */
const GOALS_MS = new Map([
  [USUAL_SIDE, 100],
  [LARGE_SIDE, 1_300],
])

const CROWD = 16

interface Measured extends Conversion {
  readonly side: number
  readonly conversions: readonly Conversions[]
}

const measureFormat = async (
  { call }: Helper<TranscoderHandlers>,
  side: number,
  conversion: Conversion,
  atOnce: number,
): Promise<Measured> => {
  const conversions: Conversions[] = []
  // The first of each loads the encoder.
  await call('convert', { side, ...conversion, atOnce: 1 })
  for (let round = 0; round < benchOptions.rounds; round += 1) {
    conversions.push(await undisturbed(() => call('convert', { side, ...conversion, atOnce })))
  }
  return { side, ...conversion, conversions }
}

const measureAll = async (
  helper: Helper<TranscoderHandlers>,
  sides: readonly number[],
  atOnce: number,
): Promise<readonly Measured[]> => {
  const measured: Measured[] = []
  for (const side of sides) {
    for (const conversion of CONVERSIONS) {
      measured.push(await measureFormat(helper, side, conversion, atOnce))
    }
  }
  return measured
}

const figuresOf = ({ conversions }: Measured, figure: keyof Conversions): readonly number[] =>
  conversions.map((each) => each[figure])

const nameOf = ({ from, to }: Conversion): string => `${from} → ${to}`

const singleTable = (measured: readonly Measured[]): Table => ({
  title: 'One picture like a photo: median (least–most)',
  columns: ['', 'pixels', 'CPU ms', 'ms', 'kB'],
  rows: measured.map((each) => [
    nameOf(each),
    `${each.side}²`,
    describeValues(figuresOf(each, 'cpuMs')),
    formatFigure(median(figuresOf(each, 'tookMs'))),
    formatFigure(median(figuresOf(each, 'sizeBytes')) / 1_000),
  ]),
})

const crowdTable = (measured: readonly Measured[]): Table => ({
  title: `${CROWD} at once of ${USUAL_SIDE}²: median (least–most)`,
  columns: ['', 'CPU ms for each', 'ms in all', 'event loop p99, ms'],
  rows: measured.map((each) => [
    nameOf(each),
    describeValues(figuresOf(each, 'cpuMs')),
    formatFigure(median(figuresOf(each, 'tookMs'))),
    describeValues(figuresOf(each, 'delayP99Ms')),
  ]),
})

const goalsOf = (singles: readonly Measured[], crowds: readonly Measured[]): readonly Goal[] => [
  ...singles
    .filter(({ from, to }) => from !== to)
    .map((each) => ({
      name: `processor time of ${each.side}², ${nameOf(each)}`,
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
