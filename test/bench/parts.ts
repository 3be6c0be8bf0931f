import { Writable } from 'node:stream'
import { Bench } from 'tinybench'
import { decodeBase64 } from '#src/bytes/decode-base64.ts'
import { encodeBase64 } from '#src/bytes/encode-base64.ts'
import { createBase64Lift } from '#src/bytes/lift-base64.ts'
import { compileParameters } from '#src/catalog/parameter-compiler.ts'
import { mapParameters } from '#src/catalog/parameter-mapping.ts'
import { createDecisionTrace } from '#src/generation/decision-trace.ts'
import { createGenerationEvents, type RequestOutcome } from '#src/generation/events.ts'
import { selectCandidates } from '#src/routing/candidates.ts'
import { chooseNext } from '#src/routing/choose-next.ts'
import { countEvents } from '#src/telemetry/count-events.ts'
import { createMetrics } from '#src/telemetry/create-metrics.ts'
import { createLogger } from '#src/telemetry/logger.ts'
import { logRequestEvents } from '#src/telemetry/request-events.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import {
  ALL_PROVIDERS,
  createFirstCatalog,
  FIRST_MODEL,
  imageRequest,
  readFirstModelFile,
} from '#test/helpers/models.ts'
import type { Benchmark } from './benchmark.ts'
import { createBusyRouting, situationFor } from './busy-routing.ts'
import { drawNoisePicture, PICTURE_BYTES } from './noise-picture.ts'
import { formatFigure } from './print-report.ts'

/** Ms for each part, and before it. */
const TIME = { time: 1_000, warmupTime: 300 }

/** As bytes come from a socket. */
const CHUNK_BYTES = 65_536

const chunksOf = (bytes: Buffer): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / CHUNK_BYTES) }, (_, index) =>
    bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES),
  )

const drain = async (pieces: AsyncIterable<Buffer>): Promise<number> => {
  let sizeBytes = 0
  for await (const piece of pieces) sizeBytes += piece.length
  return sizeBytes
}

/** What happens once for each request, whatever it carries. */
const addRequestParts = (bench: Bench): void => {
  const catalog = createFirstCatalog()
  const file = readFirstModelFile()
  const resolved = catalog.resolve(FIRST_MODEL)
  const request = imageRequest()
  const busy = createBusyRouting({ models: 1, providers: 8, inFlight: 100 })
  const [options = []] = busy.requests[0] ?? []
  bench.add('routing decision, 8 candidates', () => {
    busy.clock.advance(0.1)
    chooseNext(situationFor(busy, options))
  })
  bench.add('finding 4 candidates, parameters mapped for each', () => {
    selectCandidates(resolved, request, ALL_PROVIDERS)
  })
  const compiled = compileParameters(file)
  const parameters = { prompt: 'a lighthouse', n: 1, resolution: '1K', aspect_ratio: '16:9' }
  bench.add('checking parameters against the model’s schema', () => {
    compiled.text_to_image?.validate(parameters)
  })
  const [mapping] = Object.values(file.mappings)
  if (mapping) {
    bench.add('mapping parameters for one provider', () => {
      mapParameters(mapping, parameters)
    })
  }
}

/** What is told of each request. */
const addTelemetryParts = (bench: Bench): void => {
  const trace = createDecisionTrace('req_bench', createFakeClock())
  trace.modelId = FIRST_MODEL
  const outcome: RequestOutcome = {
    request: imageRequest(),
    trace,
    status: 'completed',
    durationMs: 7_000,
    cost: 67_000,
    images: 1,
  }
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const logged = createGenerationEvents()
  logRequestEvents(logged, createLogger('info', nowhere))
  bench.add('log line of a request', () => {
    logged.emit('request', outcome)
  })
  const counted = createGenerationEvents()
  const labels = {
    model: [FIRST_MODEL],
    provider: [...ALL_PROVIDERS],
    offering: [`gemini/${FIRST_MODEL}`],
    param: ['none'],
  }
  countEvents(counted, createMetrics({ catalog: labels, version: '0.0.0' }))
  bench.add('metrics of a request', () => {
    counted.emit('request', outcome)
  })
}

/** What moves the bytes of a picture, beside what a gateway does that knows no better. */
const addByteParts = async (bench: Bench): Promise<void> => {
  const picture = await drawNoisePicture(PICTURE_BYTES.usual)
  const base64 = Buffer.from(picture.toString('base64'), 'latin1')
  const answer = Buffer.concat([
    Buffer.from('{"candidates":[{"content":{"parts":[{"inlineData":{"data":"'),
    base64,
    Buffer.from('"}}]}}]}'),
  ])
  bench.add('1.5 MB: base64 lifted out of the answer', () => {
    const lift = createBase64Lift()
    const passed = chunksOf(answer).flatMap((chunk) => [...lift.write(chunk)])
    JSON.parse(Buffer.concat([...passed, ...lift.end()]).toString())
  })
  bench.add('1.5 MB: the answer parsed whole (for comparison)', () => {
    JSON.parse(answer.toString())
  })
  bench.add('1.5 MB: encoded in pieces', async () => {
    await drain(encodeBase64(chunksOf(picture)))
  })
  bench.add('1.5 MB: encoded whole, as text in JSON (for comparison)', () => {
    Buffer.from(JSON.stringify({ b64_json: picture.toString('base64') }))
  })
  bench.add('1.5 MB: decoded in pieces', async () => {
    await drain(decodeBase64(chunksOf(base64)))
  })
  bench.add('1.5 MB: decoded whole (for comparison)', () => {
    Buffer.from(base64.toString('latin1'), 'base64')
  })
}

const rowOf = ({ name, result }: Bench['tasks'][number]): readonly string[] => {
  if (!('latency' in result)) throw new Error(`"${name}" could not be timed`)
  const { p50, p99, mean, samplesCount } = result.latency
  return [name, String(samplesCount), ...[p50, p99, mean].map((ms) => formatFigure(ms * 1_000))]
}

export const parts: Benchmark = {
  name: 'parts',
  description:
    'What single steps take, one after another in one process, by Tinybench. Of this checkout, whatever `--gateway` says.',
  run: async () => {
    const bench = new Bench({ ...TIME, throws: true, retainSamples: true })
    addRequestParts(bench)
    addTelemetryParts(bench)
    await addByteParts(bench)
    await bench.run()
    const columns = ['µs', 'samples', 'p50', 'p99', 'mean']
    return { tables: [{ title: 'One call', columns, rows: bench.tasks.map(rowOf) }], goals: [] }
  },
}
