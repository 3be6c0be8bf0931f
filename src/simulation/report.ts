import { aloneBars, BARS, type Bar, COMPOSITE, COMPOSITE_MEAN, COMPOSITE_WORST } from './bars.ts'
import type { MeasureName } from './measures.ts'
import type { SetResult } from './run-sets.ts'

/** How a measure is called and written. */
const MEASURES: Readonly<Record<MeasureName, { readonly label: string; readonly digits: number }>> =
  {
    pmt: { label: 'mean time, failures as 180 s (s)', digits: 2 },
    success: { label: 'success (%)', digits: 2 },
    p99: { label: 'p99 (s)', digits: 0 },
    usd: { label: 'USD per request', digits: 4 },
    attempts: { label: 'attempts', digits: 2 },
    rateLimits: { label: '429s per request', digits: 2 },
    exchangesInDecisions: { label: 'calls of the exchange within decisions', digits: 0 },
    deadShare: { label: 'first tries there (%)', digits: 1 },
    noticed: { label: 'until noticed (s)', digits: 0 },
    returned: { label: 'until back (s)', digits: 0 },
    stormAfter: { label: '429s in 2 min after', digits: 0 },
    refusedAttempts: { label: 'attempts of a refused prompt', digits: 2 },
    refusedSeconds: { label: 'until refused (s)', digits: 1 },
    displaced: { label: 'good requests displaced (%)', digits: 2 },
  }

/** A bar and what came of it. */
export interface Verdict {
  readonly bar: Bar
  /** Seeds of each scenario, and of how many scenarios. */
  readonly seeds: Pick<SetResult, 'seeds' | 'scenarios'>
  readonly oracle?: number | undefined
  readonly gateway: number
  readonly peer?: { readonly name: string; readonly value: number } | undefined
  /** What was judged, on these seeds. */
  readonly limit: number
  readonly isReached: boolean
}

/** Rounding of the published figures must not decide. */
const TOLERANCE = 1e-9

const limitOf = (
  { absolute, relative, measure }: Bar,
  result: SetResult,
  results: ReadonlyMap<string, SetResult>,
): number | undefined => {
  if (!relative) return absolute
  const oracle = result.oracle[measure]
  if ('times' in relative) return oracle === undefined ? undefined : oracle * relative.times
  if ('plus' in relative) return oracle === undefined ? undefined : oracle + relative.plus
  if ('timesStatic' in relative) {
    const value = result.peers.get('static')?.[measure]
    return value === undefined ? undefined : value * relative.timesStatic
  }
  if ('timesRival' in relative) {
    const value = result.rivals.get(relative.timesRival.name)?.[measure]
    return value === undefined ? undefined : value * relative.timesRival.factor
  }
  if ('timesPlain' in relative) {
    const { scenario, factor } = relative.timesPlain
    const value = results.get(scenario)?.gateway[measure]
    return value === undefined ? undefined : value * factor
  }
  const { scenario, points } = relative.plusPlain
  const value = results.get(scenario)?.gateway[measure]
  return value === undefined ? undefined : value + points
}

const bestPeer = ({ measure, direction }: Bar, { peers }: SetResult): Verdict['peer'] => {
  const sign = direction === 'at most' ? 1 : -1
  const entries = [...peers].flatMap(([name, measures]) => {
    const value = measures[measure]
    return value === undefined ? [] : [{ name, value }]
  })
  return entries.sort((left, right) => sign * (left.value - right.value))[0]
}

/** Judges every bar whose scenarios were run. */
export const judge = (results: readonly SetResult[]): readonly Verdict[] => {
  const byName = new Map(results.map((result) => [result.name, result]))
  const alone = results.flatMap(({ name, aloneOf }) =>
    aloneOf === undefined ? [] : aloneBars(name, aloneOf),
  )
  return [...BARS, ...alone].flatMap((bar): Verdict[] => {
    const result = byName.get(bar.scenario)
    const gateway = result?.gateway[bar.measure]
    if (!result || gateway === undefined) return []
    const limit = limitOf(bar, result, byName)
    if (limit === undefined) return []
    const isReached =
      bar.direction === 'at most' ? gateway <= limit + TOLERANCE : gateway >= limit - TOLERANCE
    const peer = bestPeer(bar, result)
    const oracle = result.oracle[bar.measure]
    return [{ bar, seeds: result, oracle, gateway, peer, limit, isReached }]
  })
}

const formOf = ({ relative }: Bar): string => {
  if (!relative) return ''
  if ('times' in relative) return `${relative.times} × oracle`
  if ('plus' in relative) return `oracle − ${-relative.plus} pt`
  if ('timesStatic' in relative) return `${relative.timesStatic} × static`
  if ('timesRival' in relative) {
    return `${relative.timesRival.factor} × ${relative.timesRival.name}`
  }
  if ('timesPlain' in relative) {
    return `${relative.timesPlain.factor} × ${relative.timesPlain.scenario}`
  }
  return `${relative.plusPlain.scenario} − ${-relative.plusPlain.points} pt`
}

/** What is judged, and where that came from. */
const limitText = ({ bar, limit }: Verdict, show: (value: number) => string): string => {
  const sign = bar.direction === 'at most' ? '≤' : '≥'
  const form = formOf(bar)
  if (!form) return `${sign} ${bar.absolute}`
  const set = bar.absolute === undefined ? '' : `; set: ${bar.absolute}`
  return `${sign} ${show(limit)} (${form}${set})`
}

const row = (verdict: Verdict): string => {
  const { bar, seeds, oracle, gateway, peer, limit, isReached } = verdict
  const { label, digits } = MEASURES[bar.measure]
  const show = (value: number | undefined): string => value?.toFixed(digits) ?? '–'
  const best = peer ? `${show(peer.value)} (${peer.name})` : '–'
  const runs = seeds.scenarios > 1 ? `${seeds.seeds} × ${seeds.scenarios}` : `${seeds.seeds}`
  const by = show(Math.abs(gateway - limit))
  const result = isReached ? 'reached' : `**missed** by ${by}`
  const limits = limitText(verdict, show)
  return `| ${bar.scenario} · ${label} | ${runs} | ${show(oracle)} | ${show(gateway)} | ${best} | ${limits} | ${result} |`
}

const compositeRows = (results: readonly SetResult[]): readonly string[] => {
  const parts = results.filter(({ name }) => COMPOSITE.some((entry) => entry === name))
  if (parts.length < COMPOSITE.length) return []
  const ratiosOf = (pick: (result: SetResult) => number): readonly number[] =>
    parts.map((result) => pick(result) / result.oracle.pmt)
  const mean = (ratios: readonly number[]): number =>
    ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length
  const own = ratiosOf(({ gateway }) => gateway.pmt)
  const peers = [...(parts[0]?.peers.keys() ?? [])].map((name) => {
    const ratios = ratiosOf((result) => result.peers.get(name)?.pmt ?? Number.NaN)
    return { name, mean: mean(ratios), worst: Math.max(...ratios) }
  })
  const show = (label: string, value: number, key: 'mean' | 'worst', limit: number): string => {
    const [best] = [...peers].sort((left, right) => left[key] - right[key])
    const verdict = value <= limit ? 'reached' : '**missed**'
    const peer = best ? `${best[key].toFixed(3)} (${best.name})` : '–'
    return `| composite · ${label} | – | 1 | ${value.toFixed(3)} | ${peer} | ≤ ${limit} | ${verdict} |`
  }
  return [
    show('mean ratio to the oracle', mean(own), 'mean', COMPOSITE_MEAN),
    show('worst ratio', Math.max(...own), 'worst', COMPOSITE_WORST),
  ]
}

/** The table of bars, in Markdown. */
export const renderReport = (results: readonly SetResult[]): string =>
  [
    '| scenario · measure | seeds | oracle | gateway | best simple peer | bar | |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...judge(results).map(row),
    ...compositeRows(results),
  ].join('\n')

/** Every contender's main measures in one scenario, for a closer look. */
export const renderDetails = ({
  name,
  about,
  oracle,
  gateway,
  peers,
  rivals,
}: SetResult): string => {
  const contenders = [['oracle', oracle], ['gateway', gateway], ...rivals, ...peers] as const
  const columns: readonly MeasureName[] = ['pmt', 'success', 'p99', 'usd', 'attempts', 'rateLimits']
  return [
    `${name}: ${about}`,
    ...contenders.map(([contender, measures]) => {
      const cells = columns.map((key) => `${key} ${measures[key]?.toFixed(MEASURES[key].digits)}`)
      return `  ${contender.padEnd(15)} ${cells.join('  ')}`
    }),
  ].join('\n')
}
