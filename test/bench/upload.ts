import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { benchOptions } from './bench-options.ts'
import type { Benchmark } from './benchmark.ts'
import type { Target } from './load.ts'
import { median } from './measure.ts'
import { formatFigure } from './print-report.ts'
import { forgetPeak, readCpuMs, readMemory } from './process-stats.ts'
import { editTarget, type Side, startFresnel, startPassThrough } from './sides.ts'
import { type Stage, withStage } from './stage.ts'
import { describeValues } from './turns.ts'
import { undisturbed } from './undisturbed.ts'
import { writeUploadForm } from './upload-form.ts'

const PICTURES = 14
const EACH_BYTES = 5_000_000

const MB = 1_000_000
const SETTLE_MS = 1_000

/** Of one upload: most that was held over idle, processor time, time until the answer, and what the upstream was sent. */
interface Upload {
  readonly peakBytes: number
  readonly cpuMs: number
  readonly tookMs: number
  readonly sentBytes: number
}

const uploadOnce = async (
  stage: Stage,
  starting: Promise<Side>,
  target: (side: Side) => Target,
): Promise<Upload> => {
  const side = await starting
  const { pid, observe, stop } = side
  const once = { kind: 'count', inFlight: 1, count: 1 } as const
  const sentBytes = async () => (await stage.upstream.call('counts', undefined)).bodyBytes
  await stage.upstream.call('set', { size: 'tiny', isHeld: false })
  await stage.load(side.target, { ...once, count: 20 })
  await observe('collectGarbage', undefined)
  await pause(SETTLE_MS)
  await forgetPeak(pid)
  const idleBytes = (await readMemory(pid)).residentBytes
  const [cpuBeforeMs, sentBefore] = [await readCpuMs(pid), await sentBytes()]
  const { tookMs } = await stage.load(target(side), once)
  const cpuMs = (await readCpuMs(pid)) - cpuBeforeMs
  const { peakBytes } = await readMemory(pid)
  const sent = (await sentBytes()) - sentBefore
  await stop()
  return { peakBytes: peakBytes - idleBytes, cpuMs, tookMs, sentBytes: sent }
}

export const upload: Benchmark = {
  name: 'upload',
  description: `The most that the process holds while an edit with ${PICTURES} pictures of 5 MB goes to Gemini, as JSON with base64: a new process in each round.`,
  run: () =>
    withStage(['tiny'], async (stage) => {
      const folder = await mkdtemp(join(tmpdir(), 'fresnel-bench-'))
      try {
        const form = await writeUploadForm(join(folder, 'form'), PICTURES, EACH_BYTES)
        const port = stage.upstreamPort
        const starts = [
          () => startFresnel(port, { provider: 'gemini', responseFormat: 'b64_json' }),
          () => startPassThrough(port),
        ]
        const names = ['Fresnel, → Gemini', 'node:http pass-through']
        const target = (side: Side): Target => editTarget(side, form.file, form.contentType)
        const uploads: Upload[][] = starts.map(() => [])
        for (let round = 0; round < benchOptions.rounds; round += 1) {
          for (const [place, start] of starts.entries()) {
            uploads[place]?.push(await undisturbed(() => uploadOnce(stage, start(), target)))
          }
        }
        const of = (place: number, figure: keyof Upload): readonly number[] =>
          (uploads[place] as Upload[]).map((each) => each[figure])
        return {
          tables: [
            {
              title: `A form of ${formatFigure(form.sizeBytes / MB)} MB: median (least–most)`,
              columns: ['', 'peak over idle, MB', '× its size', 'CPU ms', 'ms', 'MB sent on'],
              rows: names.map((name, place) => [
                name,
                describeValues(of(place, 'peakBytes').map((bytes) => bytes / MB)),
                formatFigure(median(of(place, 'peakBytes')) / form.sizeBytes),
                formatFigure(median(of(place, 'cpuMs'))),
                formatFigure(median(of(place, 'tookMs'))),
                formatFigure(median(of(place, 'sentBytes')) / MB),
              ]),
            },
          ],
          goals: [
            {
              name: 'peak over idle against the size of the form',
              value: median(of(0, 'peakBytes')) / form.sizeBytes,
              atMost: 2,
              unit: '×',
            },
          ],
        }
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    }),
}
