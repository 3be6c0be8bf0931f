import { setTimeout as pause } from 'node:timers/promises'
import { benchOptions } from './bench-options.ts'
import type { Benchmark, Table } from './benchmark.ts'
import { median } from './measure.ts'
import { PICTURE_BYTES } from './noise-picture.ts'
import { formatFigure } from './print-report.ts'
import { forgetPeak, readMemory } from './process-stats.ts'
import { type Side, startFresnel, startPassThrough } from './sides.ts'
import { type Stage, withStage } from './stage.ts'
import { describeValues } from './turns.ts'
import { untilWaiting } from './waiting.ts'

/** Answers that come at the same moment. Twice as many show whether anything bounds them. */
const AT_ONCE = 50
const TWICE = 100

const MB = 1_000_000
const SETTLE_MS = 1_000

/** An answer on the wire: base64 is a third larger than the picture. */
const ANSWER_BYTES = (PICTURE_BYTES.large * 4) / 3

/** What became of one burst. */
interface Burst {
  /** Most that the process held, over idle. */
  readonly peakBytes: number
  readonly answered: number
  /** How the others were answered, or why the process ended; absent: all were answered. */
  readonly otherwise?: string
}

const burst = async (stage: Stage, starting: Promise<Side>, count: number): Promise<Burst> => {
  const { upstream } = stage
  const { target, pid, observe, stop } = await starting
  const readPeak = async () => (await readMemory(pid)).peakBytes
  await upstream.call('set', { size: 'large', isHeld: false })
  await stage.load(target, { kind: 'count', inFlight: 1, count: 3 })
  await observe('collectGarbage', undefined)
  await pause(SETTLE_MS)
  await forgetPeak(pid)
  const idleBytes = await readPeak()
  await upstream.call('set', { size: 'large', isHeld: true })
  const loading = stage.loadPatiently(target, { kind: 'count', inFlight: count, count })
  // What is refused, or kept waiting in the gateway, never comes.
  await untilWaiting(stage, count)
  await upstream.call('set', { size: 'large', isHeld: false })
  const { latenciesMs, refused } = await loading
  const [otherwise] = Object.keys(refused)
  const peakBytes = await readPeak().catch(() => Number.NaN)
  await stop()
  return {
    peakBytes: peakBytes - idleBytes,
    answered: latenciesMs.length,
    ...(otherwise !== undefined && { otherwise }),
  }
}

const rowOf = (name: string, count: number, bursts: readonly Burst[]): readonly string[] => {
  const peaks = bursts.map(({ peakBytes }) => peakBytes)
  return [
    name,
    String(count),
    formatFigure((count * ANSWER_BYTES) / MB),
    describeValues(peaks.map((peak) => peak / MB)),
    formatFigure(median(peaks) / (count * ANSWER_BYTES)),
    formatFigure(median(peaks) / (count * PICTURE_BYTES.large)),
    String(Math.min(...bursts.map(({ answered }) => answered))),
    bursts.find(({ otherwise }) => otherwise !== undefined)?.otherwise?.slice(0, 60) ?? '–',
  ]
}

const tableOf = (rows: Table['rows']): Table => ({
  title:
    'Peak of the process over idle, median (least–most), against what the answers weigh on the wire and what the pictures in them weigh',
  columns: [
    '',
    'at once',
    'MB on the wire',
    'peak MB',
    '× wire',
    '× pictures',
    'answered',
    'others',
  ],
  rows,
})

export const memoryLargeAnswers: Benchmark = {
  name: 'memory-large-answers',
  description: `The most that the process holds when answers with pictures of 20 MB come at the same moment: Gemini → b64_json, a new process in each round.`,
  run: () =>
    withStage(['large'], async (stage) => {
      const port = stage.upstreamPort
      const fresnel = () => startFresnel(port, { provider: 'gemini', responseFormat: 'b64_json' })
      const cases = [
        { name: 'Fresnel', start: fresnel, count: AT_ONCE },
        { name: 'Fresnel', start: fresnel, count: TWICE },
        { name: 'node:http pass-through', start: () => startPassThrough(port), count: AT_ONCE },
      ]
      const bursts: Burst[][] = cases.map(() => [])
      for (let round = 0; round < benchOptions.rounds; round += 1) {
        for (const [place, { start, count }] of cases.entries()) {
          bursts[place]?.push(await burst(stage, start(), count))
        }
      }
      const peaks = (bursts[0] as Burst[]).map(({ peakBytes }) => peakBytes)
      return {
        tables: [
          tableOf(cases.map(({ name, count }, place) => rowOf(name, count, bursts[place] ?? []))),
        ],
        goals: [
          {
            name: `peak with ${AT_ONCE} at once, against their bytes on the wire`,
            value: median(peaks) / (AT_ONCE * ANSWER_BYTES),
            atMost: 1.3,
            unit: '×',
          },
        ],
      }
    }),
}
