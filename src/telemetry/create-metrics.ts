import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { holdChildren } from './hold-children.ts'
import {
  type CatalogLabels,
  type CounterName,
  type GaugeName,
  type HistogramName,
  type LabelsOf,
  type LabelValues,
  METRICS,
  type MetricDefinition,
  type MetricName,
} from './metrics.ts'
import { processRegistry } from './process-metrics.ts'

type Add<Name extends MetricName> = (labels: LabelsOf<Name>, amount: number) => void

/** All metrics of one gateway. Values outside a label's closed set are counted as `other`. Nothing here throws. */
export interface Metrics {
  /** What adds to a counter; to be asked for once, not per request. */
  counter<Name extends CounterName>(name: Name): Add<Name>
  /** What puts a value into a histogram, in its unit; to be asked for once, not per request. */
  histogram<Name extends HistogramName>(name: Name): Add<Name>
  set<Name extends GaugeName>(name: Name, labels: LabelsOf<Name>, value: number): void
  /** Forgets what a gauge was set to, under all labels. */
  clear(name: GaugeName): void
  /** Lets labels say what another catalogue has, besides what they could say before: what was counted stays. */
  extend(catalog: CatalogLabels): void
  /** Has gauges set anew whenever somebody reads the metrics. */
  beforeRender(update: () => void): void
  /** Prometheus text. */
  render(): Promise<string>
  /** Type of that text. */
  readonly contentType: string
}

/** Every value that a label may have, `other` aside. */
export const valuesOf = (values: LabelValues, catalog: CatalogLabels): readonly string[] =>
  typeof values === 'string' ? catalog[values] : values

/** All label sets of a metric, `other` left out. */
const combinations = (sets: readonly (readonly string[])[]): string[][] =>
  sets.reduce<string[][]>(
    (rows, values) => rows.flatMap((row) => values.map((value) => [...row, value])),
    [[]],
  )

/** A number that cannot be added would make `inc` throw. */
const isAmount = (amount: number): boolean => Number.isFinite(amount) && amount >= 0

/** One metric, by the values of its labels. */
interface Series {
  add(values: readonly string[], amount: number): void
  clear(): void
  extend(catalog: CatalogLabels): void
}

const createSeries = (
  name: string,
  definition: MetricDefinition,
  catalog: CatalogLabels,
  registry: Registry,
): Series => {
  const { type, help, labels, buckets, startsAtZero } = definition
  const labelNames = Object.keys(labels)
  const options = { name, help, labelNames, registers: [registry] }
  const metric =
    type === 'histogram'
      ? new Histogram({ ...options, buckets: [...(buckets ?? [])] })
      : type === 'counter'
        ? new Counter(options)
        : new Gauge(options)
  const make = (values: readonly string[]): ((amount: number) => void) => {
    if (metric instanceof Histogram) {
      const child = metric.labels(...values)
      return (amount) => child.observe(amount)
    }
    if (metric instanceof Counter) {
      const child = metric.labels(...values)
      return (amount) => child.inc(amount)
    }
    const child = metric.labels(...values)
    return (amount) => child.set(amount)
  }
  const hold = (known: CatalogLabels) => {
    const sets = Object.values(labels).map((values) => valuesOf(values, known))
    const find = holdChildren(sets, make)
    // What has been counted already becomes no more by it.
    if (startsAtZero) for (const values of combinations(sets)) find(values)(0)
    return find
  }
  let find = hold(catalog)
  return {
    add: (values, amount) => find(values)(amount),
    clear: () => metric.reset(),
    extend: (known) => {
      find = hold(known)
    },
  }
}

const joined = (before: CatalogLabels, after: CatalogLabels): CatalogLabels => ({
  model: [...new Set([...before.model, ...after.model])],
  provider: [...new Set([...before.provider, ...after.provider])],
  offering: [...new Set([...before.offering, ...after.offering])],
  param: [...new Set([...before.param, ...after.param])],
})

export interface MetricsOptions {
  readonly catalog: CatalogLabels
  /** Of the gateway. */
  readonly version: string
}

const registerBuildInfo = (registry: Registry, version: string): void => {
  const buildInfo = new Gauge({
    name: 'fresnel_build_info',
    help: 'Always 1; which version runs on which Node',
    labelNames: ['version', 'node_version'],
    registers: [registry],
  })
  buildInfo.set({ version, node_version: process.version }, 1)
}

export const createMetrics = ({ catalog, version }: MetricsOptions): Metrics => {
  const registry = new Registry()
  registerBuildInfo(registry, version)
  let known = catalog
  const all = new Map<string, Series>()
  for (const [name, definition] of Object.entries(METRICS)) {
    all.set(name, createSeries(name, definition, catalog, registry))
  }
  const add = <Name extends MetricName>(name: Name): Add<Name> => {
    const series = all.get(name) as Series
    const labelNames = Object.keys(METRICS[name].labels)
    return (labels, amount) => {
      if (METRICS[name].type !== 'gauge' && !isAmount(amount)) return
      const given = labels as Readonly<Record<string, string>>
      series.add(
        labelNames.map((label) => given[label] ?? ''),
        amount,
      )
    }
  }
  const updates: (() => void)[] = []
  return {
    counter: add,
    histogram: add,
    set: (name, labels, value) => add(name)(labels, value),
    clear: (name) => all.get(name)?.clear(),
    extend: (more) => {
      known = joined(known, more)
      for (const series of all.values()) series.extend(known)
    },
    beforeRender: (update) => updates.push(update),
    render: async () => {
      for (const update of updates) update()
      return (await registry.metrics()) + (await processRegistry().metrics())
    },
    contentType: registry.contentType,
  }
}
