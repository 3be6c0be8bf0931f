import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

/** A metric that a query reads, and the labels that it selects by. */
export interface Selector {
  readonly name: string
  readonly labels: readonly string[]
}

/** What a query reads and how it groups. */
export interface QueryNames {
  readonly selectors: readonly Selector[]
  /** Labels of `by`, `without`, `on` and `ignoring`. */
  readonly groupedBy: readonly string[]
}

const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g
const KEYWORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan', 'group_left'])

const labelsIn = (text: string): string[] => text.match(/[a-z_]\w*/gi) ?? []

/**
 * The names in a PromQL expression. Reads what our own rules and panels are written in: selectors begin with a name, and
 * no label value has a brace in it. What is neither a function nor a keyword is taken for a metric.
 */
export const namesIn = (query: string): QueryNames => {
  const groupedBy = [...query.matchAll(GROUPING)].flatMap(([, labels = '']) => labelsIn(labels))
  const rest = query.replaceAll(GROUPING, ' ').replaceAll(/\[[^\]]*\]/g, ' ')
  const selectors: Selector[] = []
  for (const match of rest.matchAll(/([a-z_:][\w:]*)\s*(?:\{([^}]*)\}|(\())?/gi)) {
    const [whole, name = '', matchers = '', isCall] = match
    const before = rest[match.index - 1] ?? ''
    // The letter of a duration (1d) belongs to its number; what stands in quotes was matched with its braces.
    if (isCall || KEYWORDS.has(name.toLowerCase()) || /[\d.]/.test(before) || whole === '') continue
    const labels = labelsIn(matchers.replaceAll(/"(?:[^"\\]|\\.)*"/g, ''))
    selectors.push({ name, labels })
  }
  return { selectors, groupedBy }
}

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')

export interface NamedQuery {
  /** Where it stands, for people. */
  readonly place: string
  readonly query: string
}

interface RuleFile {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly record?: string
      readonly alert?: string
      readonly expr: string
    }[]
  }[]
}

const rulesOf = (file: string) =>
  (parse(read(`docker/prometheus/${file}`)) as RuleFile).groups.flatMap(({ rules }) => rules)

/** Names of the recording rules. */
export const recordedNames = (): string[] =>
  rulesOf('recording.rules.yml').flatMap(({ record }) => record ?? [])

export const ruleQueries = (): NamedQuery[] =>
  ['recording.rules.yml', 'alerts.yml'].flatMap((file) =>
    rulesOf(file).map(({ record, alert, expr }) => ({
      place: record ?? alert ?? '',
      query: expr,
    })),
  )

/** Names of the alerts. */
export const alertNames = (): string[] => rulesOf('alerts.yml').flatMap(({ alert }) => alert ?? [])

interface Dashboard {
  readonly panels: readonly {
    readonly title: string
    readonly targets?: readonly { readonly expr: string }[]
  }[]
}

/** Queries of the dashboard's panels as Prometheus gets them, all models chosen. */
export const panelQueries = (interval = '5m'): NamedQuery[] => {
  const { panels } = JSON.parse(read('docker/grafana/dashboards/fresnel.json')) as Dashboard
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({
      place: title,
      query: expr.replaceAll('$__rate_interval', interval).replaceAll('$model', '.*'),
    })),
  )
}
