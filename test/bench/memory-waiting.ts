import { setTimeout as pause } from 'node:timers/promises'
import { benchOptions } from './bench-options.ts'
import type { Benchmark } from './benchmark.ts'
import { median } from './measure.ts'
import { formatFigure } from './print-report.ts'
import { readMemory } from './process-stats.ts'
import { type Side, startFresnel, startPassThrough, startPortkeySide } from './sides.ts'
import { type Stage, withStage } from './stage.ts'
import { describeValues } from './turns.ts'
import { untilWaiting } from './waiting.ts'

const WAITING = 1_000

/** Ms for what is loaded on first use, and for collectors that work when nothing else is to be done. */
const SETTLE_MS = 1_500

/** Enough for everything to be loaded that is loaded on first use. */
const FEW = 50

const KB = 1_000

/** What the process holds before, and how much more with all of them waiting; in bytes. */
interface Held {
  readonly idleBytes: number
  readonly perRequestBytes: number
  /** The same, of what is live: JavaScript's heap and buffers after a full collection. */
  readonly livePerRequestBytes: number
}

/**
 * The process is new in each round and has only served a few, as a heap that once was large has room that seems to
 * cost nothing.
 */
const measureOnce = async (stage: Stage, starting: Promise<Side>): Promise<Held> => {
  const { upstream } = stage
  const { target, pid, observe, stop } = await starting
  await upstream.call('set', { size: 'tiny', isHeld: false })
  await stage.load(target, { kind: 'count', inFlight: 1, count: FEW })
  const liveBefore = await observe('readLiveBytes', undefined)
  await pause(SETTLE_MS)
  const { residentBytes: idleBytes } = await readMemory(pid)
  await upstream.call('set', { size: 'tiny', isHeld: true })
  const load = stage.load(target, { kind: 'count', inFlight: WAITING, count: WAITING })
  const waiting = await untilWaiting(stage, WAITING)
  if (waiting < WAITING) throw new Error(`Only ${waiting} of ${WAITING} requests came through.`)
  await pause(SETTLE_MS)
  const { residentBytes } = await readMemory(pid)
  const live = await observe('readLiveBytes', undefined)
  await upstream.call('set', { size: 'tiny', isHeld: false })
  await load
  await stop()
  return {
    idleBytes,
    perRequestBytes: (residentBytes - idleBytes) / WAITING,
    livePerRequestBytes: (live - liveBefore) / WAITING,
  }
}

const starters = (port: number): readonly (() => Promise<Side>)[] => [
  () => startFresnel(port, { provider: 'gemini', responseFormat: 'b64_json' }),
  () => startPassThrough(port),
  () => startPortkeySide(port),
]

export const memoryWaiting: Benchmark = {
  name: 'memory-waiting',
  description: `What a request holds while the provider works: ${WAITING} wait at once, in a process that is new in each round. Idle is after ${FEW} requests and a full collection. Resident is what the system counts, with garbage that waits to be collected; live is without.`,
  run: () =>
    withStage(['tiny'], async (stage) => {
      const names = ['Fresnel, gemini → b64_json', 'node:http pass-through', 'Portkey 1.15']
      const starts = starters(stage.upstreamPort)
      const held: Held[][] = starts.map(() => [])
      for (let round = 0; round < benchOptions.rounds; round += 1) {
        for (const [place, start] of starts.entries()) {
          held[place]?.push(await measureOnce(stage, start()))
        }
      }
      const perRequestKb = held.map((rounds) =>
        rounds.map(({ perRequestBytes }) => perRequestBytes / KB),
      )
      return {
        tables: [
          {
            title: 'Memory of the process: median (least–most)',
            columns: ['', 'idle, MB', 'resident for each, kB', 'live for each, kB'],
            rows: names.map((name, place) => [
              name,
              formatFigure(median((held[place] as Held[]).map((each) => each.idleBytes / KB / KB))),
              describeValues(perRequestKb[place] as number[]),
              describeValues((held[place] as Held[]).map((each) => each.livePerRequestBytes / KB)),
            ]),
          },
        ],
        goals: [
          {
            name: 'memory for each waiting request',
            value: median(perRequestKb[0] as number[]),
            atMost: 60,
            unit: 'kB',
          },
        ],
      }
    }),
}
