import type { BenchmarkReport, Goal, Table } from './benchmark.ts'
import { summarize, type Timings } from './measure.ts'

export const formatFigure = (value: number): string =>
  Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(Math.abs(value) >= 10 ? 1 : 2)

/** A table of cases, a row each. */
export const timingsTable = (title: string, timings: readonly Timings[]): Table => ({
  title,
  columns: ['µs', 'samples', 'p50', 'p99', 'mean'],
  rows: timings.map((each) => {
    const { samples, p50, p99, mean } = summarize(each)
    return [each.name, String(samples), ...[p50, p99, mean].map(formatFigure)]
  }),
})

const renderTable = ({ title, columns, rows }: Table): string => {
  const widths = columns.map((column, place) =>
    Math.max(column.length, ...rows.map((row) => row[place]?.length ?? 0)),
  )
  const align = (text: string, place: number): string =>
    place === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[place] ?? 0)
  const renderRow = (cells: readonly string[]): string => `| ${cells.map(align).join(' | ')} |`
  const rule = renderRow(
    widths.map((width, place) => (place === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)),
  )
  return [title, '', renderRow(columns), rule, ...rows.map(renderRow), ''].join('\n')
}

const renderGoal = ({ name, value, atMost, atLeast, unit }: Goal): string => {
  const figure = (number: number) => `${formatFigure(number)}${unit && ` ${unit}`}`
  const isMet = value <= (atMost ?? Infinity) && value >= (atLeast ?? -Infinity)
  const limits = [
    ...(atMost === undefined ? [] : [`at most ${figure(atMost)}`]),
    ...(atLeast === undefined ? [] : [`at least ${figure(atLeast)}`]),
  ]
  return `- ${isMet ? 'met' : 'MISSED'}: ${name} ${figure(value)}, ${limits.join(', ')}`
}

/** As Markdown, so that it can be pasted into a document. */
export const renderReport = ({ tables, goals }: BenchmarkReport): string =>
  [...tables.map(renderTable), ...goals.map(renderGoal), ''].join('\n')
