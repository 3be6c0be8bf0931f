import { cpus } from 'node:os'
import { benchOptions } from './bench-options.ts'
import type { Benchmark } from './benchmark.ts'
import { cpuFalB64, cpuGeminiB64, cpuGeminiUrl, cpuTiny } from './cpu-per-request.ts'
import { eventLoop } from './event-loop.ts'
import { growth } from './growth.ts'
import { latencyAlone, latencyRate, throughput } from './latency.ts'
import { memoryContainer } from './memory-container.ts'
import { memoryLargeAnswers } from './memory-large-answers.ts'
import { memoryWaiting } from './memory-waiting.ts'
import { parts } from './parts.ts'
import { renderReport } from './print-report.ts'
import { routingDecision } from './routing-decision.ts'
import { routingOverhead } from './routing-overhead.ts'
import { startTime } from './start-time.ts'
import { transcoding } from './transcoding.ts'
import { describeDisturbance } from './undisturbed.ts'
import { upload } from './upload.ts'

/*
 * `npm run bench` runs all benchmarks, `npm run bench -- NAME …` some. `--gateway DIR` measures another checkout,
 * `--rounds N` takes more of them, `--patience SECONDS` waits longer for a quiet machine, `--profile DIR` has the gateway
 * write profiles. Results go to stdout.
 */

/** In the order in which they run. */
const BENCHMARKS: readonly Benchmark[] = [
  cpuGeminiB64,
  cpuFalB64,
  cpuGeminiUrl,
  cpuTiny,
  latencyAlone,
  latencyRate,
  throughput,
  memoryWaiting,
  memoryLargeAnswers,
  memoryContainer,
  eventLoop,
  upload,
  startTime,
  growth,
  transcoding,
  parts,
  routingDecision,
  routingOverhead,
]

const runBenchmark = async (benchmark: Benchmark): Promise<void> => {
  process.stdout.write(`\n## ${benchmark.name}\n\n${benchmark.description}\n\n`)
  process.stdout.write(renderReport(await benchmark.run()))
}

const { names } = benchOptions
const unknown = names.filter((wanted) => !BENCHMARKS.some(({ name }) => name === wanted))
if (unknown.length > 0) {
  const known = BENCHMARKS.map(({ name, description }) => `  ${name}: ${description}`).join('\n')
  process.stderr.write(`There is no benchmark "${unknown[0]}". There are:\n${known}\n`)
  process.exitCode = 1
} else {
  const processors = cpus()
  process.stdout.write(
    `Node ${process.version}, ${processors.length} × ${processors[0]?.model ?? 'unknown processor'}\n`,
  )
  const chosen = BENCHMARKS.filter(({ name }) => names.length === 0 || names.includes(name))
  for (const benchmark of chosen) await runBenchmark(benchmark)
  process.stdout.write(`\n${describeDisturbance()}\n`)
}
