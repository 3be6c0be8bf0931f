import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { chooseMemoryLimits } from '#src/memory-limits.ts'
import { IMAGE_ALLOCATOR } from '#test/helpers/image-allocator.ts'
import { benchOptions } from './bench-options.ts'
import type { Benchmark } from './benchmark.ts'
import type { Target } from './load.ts'
import { median } from './measure.ts'
import { formatFigure } from './print-report.ts'
import { forgetPeak, readMemory } from './process-stats.ts'
import { editTarget, type GatewayWork, generationTarget, startFresnel } from './sides.ts'
import { type Stage, withStage } from './stage.ts'
import { describeValues } from './turns.ts'
import { type UploadForm, writeUploadForm } from './upload-form.ts'
import { untilWaiting } from './waiting.ts'

const MB = 1_000_000
const MIB = 1_024 * 1_024

/** What docker-compose.yml gives a gateway. */
const CONTAINER_BYTES = 1_536 * MIB

/** Ms in which a collector, and an allocator that gives memory back, have done so. */
const SETTLE_MS = 5_000

const limits = chooseMemoryLimits(
  {},
  { totalBytes: Number.MAX_SAFE_INTEGER, constrainedBytes: CONTAINER_BYTES },
)

/** As in the image, in a container of this size: Node takes half of it for its heap. */
const ENVIRONMENT = {
  NODE_OPTIONS: `--max-old-space-size=${CONTAINER_BYTES / 2 / MIB}`,
  MAX_MB_IN_FLIGHT: String(Math.floor(limits.bytesInFlight / MB)),
  MAX_REQUESTS_IN_FLIGHT: String(limits.requestsInFlight),
  UV_THREADPOOL_SIZE: '8',
}

/** Requests of one kind: so many in all, so many at a time. */
interface Wave {
  readonly work: GatewayWork | 'edit'
  readonly count: number
  readonly inFlight: number
}

/** Far more than fits, each: what does not is refused or waits. */
const ANSWERS: Wave = {
  work: { provider: 'gemini', responseFormat: 'b64_json' },
  count: 100,
  inFlight: 100,
}
const HOSTED: Wave = {
  work: { provider: 'gemini', responseFormat: 'url' },
  count: 100,
  inFlight: 100,
}
const CONVERSIONS: Wave = {
  work: { provider: 'gemini', responseFormat: 'url', outputFormat: 'webp' },
  count: 30,
  inFlight: 6,
}
const EDITS: Wave = { work: 'edit', count: 100, inFlight: 100 }

const LOADS: readonly { readonly name: string; readonly waves: readonly Wave[] }[] = [
  { name: '100 answers of 20 MB → b64_json', waves: [ANSWERS] },
  { name: '100 answers of 20 MB → url', waves: [HOSTED] },
  { name: '30 pictures of 4096² → webp, 6 at a time', waves: [CONVERSIONS] },
  { name: '100 edits of 10 MB, answered with 20 MB', waves: [EDITS] },
  { name: 'all of these together', waves: [ANSWERS, HOSTED, CONVERSIONS, EDITS] },
]

/** What one load took. */
interface Outcome {
  readonly peakBytes: number
  /** Resident some seconds after it. */
  readonly restBytes: number
  readonly answered: number
  readonly refused: number
}

/** Sends one load again and again to the same process, which has the garbage of the time before. */
const press = async (
  stage: Stage,
  waves: readonly Wave[],
  form: UploadForm,
): Promise<readonly Outcome[]> => {
  const { upstream } = stage
  const first: GatewayWork = { provider: 'gemini', responseFormat: 'b64_json' }
  const side = await startFresnel(stage.upstreamPort, first, ENVIRONMENT)
  const targetOf = (work: Wave['work']): Target =>
    work === 'edit'
      ? editTarget(side, form.file, form.contentType)
      : generationTarget(side.target.origin, work)
  await upstream.call('set', { size: 'tiny', isHeld: false })
  await stage.load(side.target, { kind: 'count', inFlight: 10, count: 200 })
  const outcomes: Outcome[] = []
  for (let round = 0; round < benchOptions.rounds; round += 1) {
    await forgetPeak(side.pid)
    await upstream.call('set', { size: 'large', isHeld: true })
    const loading = waves.map(({ work, count, inFlight }) =>
      stage.loadPatiently(targetOf(work), { kind: 'count', inFlight, count }),
    )
    // All that is let in waits for the provider, and is then answered at the same moment.
    await untilWaiting(stage, Number.POSITIVE_INFINITY)
    await upstream.call('set', { size: 'large', isHeld: false })
    const results = await Promise.all(loading)
    const { peakBytes } = await readMemory(side.pid)
    await pause(SETTLE_MS)
    const { residentBytes: restBytes } = await readMemory(side.pid)
    const refusals = results.flatMap(({ refused }) => Object.entries(refused))
    const unexpected = refusals.find(([reason]) => !reason.startsWith('503 '))
    if (unexpected) throw new Error(`A request was neither answered nor refused: ${unexpected[0]}`)
    outcomes.push({
      peakBytes,
      restBytes,
      answered: results.flatMap(({ latenciesMs }) => latenciesMs).length,
      refused: refusals.reduce((sum, [, count]) => sum + count, 0),
    })
  }
  await side.stop()
  return outcomes
}

export const memoryContainer: Benchmark = {
  name: 'memory-container',
  description: `The most that a gateway holds which may use ${CONTAINER_BYTES / MIB} MiB, as docker-compose.yml has it, when far more comes at once than fits: again and again in one process.${'LD_PRELOAD' in IMAGE_ALLOCATOR ? '' : ' Without jemalloc, which the image has.'}`,
  run: () =>
    withStage(['tiny', 'large'], async (stage) => {
      const folder = await mkdtemp(join(tmpdir(), 'fresnel-bench-'))
      try {
        const form = await writeUploadForm(join(folder, 'form'), 4, 2_500_000)
        const outcomes: (readonly Outcome[])[] = []
        for (const { waves } of LOADS) outcomes.push(await press(stage, waves, form))
        const of = (place: number, figure: keyof Outcome): readonly number[] =>
          (outcomes[place] as readonly Outcome[]).map((each) => each[figure])
        const peaks = LOADS.flatMap((_, place) => of(place, 'peakBytes'))
        return {
          tables: [
            {
              title: `${ENVIRONMENT.MAX_MB_IN_FLIGHT} MB and ${ENVIRONMENT.MAX_REQUESTS_IN_FLIGHT} requests in flight are allowed; median (least–most)`,
              columns: ['', 'peak, MB', 'MB 5 s later', 'answered', '503'],
              rows: LOADS.map(({ name }, place) => [
                name,
                describeValues(of(place, 'peakBytes').map((bytes) => bytes / MB)),
                formatFigure(median(of(place, 'restBytes')) / MB),
                formatFigure(median(of(place, 'answered'))),
                formatFigure(median(of(place, 'refused'))),
              ]),
            },
          ],
          goals: [
            {
              name: 'most of all, against what the container may use',
              value: Math.max(...peaks) / CONTAINER_BYTES,
              atMost: 1,
              unit: '×',
            },
          ],
        }
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    }),
}
