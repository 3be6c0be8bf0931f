import { type Drift, isNews } from '#src/catalog/catalog-drift.ts'
import type { OfferingFinding } from './catalog-findings.ts'

type State = OfferingFinding['state']

const countOf = (findings: readonly OfferingFinding[], state: State): number =>
  findings.filter((finding) => finding.state === state).length

/**
 * 0: nothing that was read has drifted. 1: something has. 2: nothing could be read, so that nothing is known.
 */
export const exitStatusOf = (findings: readonly OfferingFinding[]): 0 | 1 | 2 => {
  if (countOf(findings, 'drift') > 0) return 1
  return countOf(findings, 'same') > 0 ? 0 : 2
}

const offerings = (count: number): string => `${count} offering${count === 1 ? '' : 's'}`

/** `fal: 3 offerings read, 1 with drift; 1 not read`. */
const summaryLine = (provider: string, findings: readonly OfferingFinding[]): string => {
  const [same, drift] = [countOf(findings, 'same'), countOf(findings, 'drift')]
  if (findings.every(({ state }) => state === 'skipped')) {
    return `${provider}: skipped, as it is not configured (${offerings(findings.length)})`
  }
  const unread = countOf(findings, 'unread')
  const parts = [
    ...(same + drift > 0 ? [`${offerings(same + drift)} read, ${drift} with drift`] : []),
    ...(unread > 0 ? [`${unread} not read`] : []),
  ]
  return `${provider}: ${parts.join('; ')}`
}

/** Columns as wide as their widest cell, but for the last. */
const table = (rows: readonly (readonly string[])[]): string[] => {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  return rows.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  '),
  )
}

const driftRows = (
  findings: readonly OfferingFinding[],
  isMeant: (drift: Drift) => boolean,
): string[][] =>
  findings.flatMap(({ configKey, providerModelId, drifts }) =>
    drifts
      .filter(isMeant)
      .map(({ field = '', message }) => [configKey, providerModelId, field, message]),
  )

const section = (title: string, header: readonly string[], rows: readonly string[][]): string[] =>
  rows.length === 0 ? [] : ['', title, '', ...table([header, ...rows])]

const COLUMNS = ['OFFERING', 'MODEL THERE', 'FIELD', 'WHAT']

/** What was found, for people. */
export const renderReport = (findings: readonly OfferingFinding[]): string => {
  const byProvider = Map.groupBy(findings, ({ provider }) => provider)
  const unread = findings.filter(({ state }) => state === 'unread')
  return [
    ...[...byProvider].map(([provider, group]) => summaryLine(provider, group)),
    ...section(
      'Drift: requests may fail, or not do what was asked',
      COLUMNS,
      driftRows(findings, (drift) => !isNews(drift)),
    ),
    ...section(
      'Taken there besides what the catalogue offers: no request fails for it',
      COLUMNS,
      driftRows(findings, isNews),
    ),
    ...section(
      'Not read',
      ['OFFERING', 'MODEL THERE', 'WHY'],
      unread.map(({ configKey, providerModelId, reason = '' }) => [
        configKey,
        providerModelId,
        reason,
      ]),
    ),
  ].join('\n')
}

/** The same for programs. */
export const renderJson = (findings: readonly OfferingFinding[]): string => {
  const states: readonly State[] = ['same', 'drift', 'unread', 'skipped']
  const summary = Object.fromEntries(states.map((state) => [state, countOf(findings, state)]))
  return JSON.stringify({ summary, offerings: findings }, null, 2)
}
