import { type LabelValues, METRICS, type MetricDefinition } from '#src/telemetry/metrics.ts'

/** Sets that the catalogue gives are named, small ones written out. */
const showValues = (values: LabelValues): string => {
  if (typeof values === 'string') return ''
  return values.length > 5 ? ` (${values.length} values)` : ` (${values.join(', ')})`
}

const rowOf = ([name, { type, help, labels }]: [string, MetricDefinition]): string => {
  const shown = Object.entries(labels).map(([label, values]) => `\`${label}\`${showValues(values)}`)
  return `| \`${name}\` | ${type} | ${shown.join(', ')} | ${help} |`
}

/** The table of all metrics, for src/telemetry/README.md. */
export const renderMetricsTable = (): string =>
  [
    '| metric | type | labels | what |',
    '| --- | --- | --- | --- |',
    ...Object.entries<MetricDefinition>(METRICS).map(rowOf),
  ].join('\n')

if (import.meta.main) process.stdout.write(`${renderMetricsTable()}\n`)
