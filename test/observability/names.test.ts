import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { renderMetricsTable } from '#src/cli/metrics-table.ts'
import { METRICS, type MetricDefinition } from '#src/telemetry/metrics.ts'
import { processRegistry } from '#src/telemetry/process-metrics.ts'
import { alertNames, namesIn, panelQueries, recordedNames, ruleQueries } from './promql-names.ts'

/** What Prometheus adds to every series. */
const SCRAPED = ['job', 'instance']

/** Labels of every name that a query may read; of recorded ones any that a metric has. */
const knownLabels = async (): Promise<Map<string, readonly string[]>> => {
  const known = new Map<string, readonly string[]>([
    ['up', SCRAPED],
    ['fresnel_build_info', ['version', 'node_version']],
  ])
  for (const [name, { type, labels }] of Object.entries<MetricDefinition>(METRICS)) {
    const own = Object.keys(labels)
    if (type !== 'histogram') known.set(name, own)
    else for (const part of ['bucket', 'sum', 'count']) known.set(`${name}_${part}`, [...own, 'le'])
  }
  for (const { name, type } of await processRegistry().getMetricsAsJSON()) {
    // As prom-client 15 types it, in spite of its own types.
    if (String(type) !== 'histogram') known.set(name, ['type', 'space'])
    else for (const part of ['bucket', 'sum', 'count']) known.set(`${name}_${part}`, ['kind', 'le'])
  }
  const all = [...new Set([...known.values()].flat())]
  for (const name of recordedNames()) known.set(name, all)
  return known
}

const unknownIn = (query: string, known: ReadonlyMap<string, readonly string[]>): string[] => {
  const { selectors, groupedBy } = namesIn(query)
  const all = new Set([...SCRAPED, ...selectors.flatMap(({ name }) => known.get(name) ?? [])])
  return [
    ...selectors.flatMap(({ name, labels }) => {
      const own = known.get(name)
      if (!own) return [name]
      return labels
        .filter((label) => ![...SCRAPED, ...own].includes(label))
        .map((label) => `${name}{${label}}`)
    }),
    ...groupedBy.filter((label) => !all.has(label)).map((label) => `by (${label})`),
  ]
}

const readText = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

describe('the names in a query', () => {
  it('are found with the labels that are selected and grouped by', () => {
    const query =
      'histogram_quantile(0.5, sum by (job, le) (rate(a_bucket{x="y, z",u=~"v"}[5m]))) > 2 * (b:c offset 1d) and on (job) d == 1'
    expect(namesIn(query)).toEqual({
      selectors: [
        { name: 'a_bucket', labels: ['x', 'u'] },
        { name: 'b:c', labels: [] },
        { name: 'd', labels: [] },
      ],
      groupedBy: ['job', 'le', 'job'],
    })
  })

  it('that no metric or label has are told', async () => {
    const known = await knownLabels()
    const query = 'sum by (colour) (fresnel_requests_total{shape="x"} / fresnel_nothing)'
    expect(unknownIn(query, known)).toEqual([
      'fresnel_requests_total{shape}',
      'fresnel_nothing',
      'by (colour)',
    ])
  })
})

describe.each([
  ['rules and alerts', ruleQueries()],
  ['panels of the dashboard', panelQueries()],
])('%s', (_, queries) => {
  it.each(queries.map(({ place, query }) => [place, query]))(
    '%s reads metrics that there are: %s',
    async (_, query) => {
      expect(namesIn(query).selectors.length).toBeGreaterThan(0)
      expect(unknownIn(query, await knownLabels())).toEqual([])
    },
  )
})

describe('the dashboard', () => {
  it('shows every metric of the table', () => {
    const shown = [...panelQueries(), ...ruleQueries()].flatMap(({ query }) =>
      namesIn(query).selectors.map(({ name }) => name.replace(/_(bucket|sum|count)$/, '')),
    )
    for (const name of Object.keys(METRICS)) expect(shown).toContain(name)
  })
})

describe('the main README', () => {
  it('names the alerts that there are', () => {
    const readme = readText('README.md')
    const named = [...readme.matchAll(/`(Fresnel[A-Z]\w+)`/g)].map(([, name]) => name)
    expect([...named].sort()).toEqual([...alertNames()].sort())
  })
})

describe('the telemetry README', () => {
  it('has the table that npm run docs:metrics prints', () => {
    const [, table] = readText('src/telemetry/README.md').split(
      /<!-- npm run docs:metrics -->\n|\n<!-- end -->/,
    )
    expect(table).toBe(renderMetricsTable())
  })
})
