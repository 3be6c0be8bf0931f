import { cpus } from 'node:os'
import type { Benchmark } from './benchmark.ts'
import { renderReport } from './print-report.ts'
import { routingDecision } from './routing-decision.ts'
import { routingOverhead } from './routing-overhead.ts'

/* `npm run bench` runs all benchmarks, `npm run bench NAME` one. Results go to stdout. */

/** In the order in which they run. */
const BENCHMARKS: readonly Benchmark[] = [routingDecision, routingOverhead]

const runBenchmark = async (benchmark: Benchmark): Promise<void> => {
  process.stdout.write(`\n## ${benchmark.name}\n\n${benchmark.description}\n\n`)
  process.stdout.write(renderReport(await benchmark.run()))
}

const [wanted] = process.argv.slice(2)
const chosen = BENCHMARKS.filter(({ name }) => wanted === undefined || name === wanted)
if (chosen.length === 0) {
  const names = BENCHMARKS.map(({ name, description }) => `  ${name}: ${description}`).join('\n')
  process.stderr.write(`There is no benchmark "${wanted}". There are:\n${names}\n`)
  process.exitCode = 1
} else {
  const processors = cpus()
  process.stdout.write(
    `Node ${process.version}, ${processors.length} × ${processors[0]?.model ?? 'unknown processor'}\n`,
  )
}
for (const benchmark of chosen) await runBenchmark(benchmark)
