import { FAILURE_RULES } from '#src/domain/errors.ts'
import type { ModelFile } from '#src/domain/model-file.ts'
import type { Cell } from '#src/domain/provider-stats.ts'
import { chooseNext } from '#src/routing/choose-next.ts'
import { priorOf } from '#src/routing/estimate.ts'
import type { Ticket } from '#src/routing/health-book.ts'
import { ProviderTracker } from '#src/routing/provider-tracker.ts'
import { NO_HISTORY, type RoutingOption } from '#src/routing/rank-options.ts'
import { COIN, streamOf } from './coin.ts'
import { EventQueue } from './event-queue.ts'
import type { GatewaySettings } from './gateways.ts'
import { cellOfCandidate, cellOfLine, type ReplayLine } from './replay-log.ts'
import { DEADLINE_MS } from './scenario.ts'

/** What the policy would have done first for one request of a log, and what it believed of what was done. */
export interface ReplayedChoice {
  readonly line: ReplayLine
  /** Cell that the policy would have tried first; absent: it would have waited. */
  readonly chosen?: Cell
  /** Probability that it gave to the attempt that was made. */
  readonly predictedSuccess: number
  /** Mean of ln(ms) that it expected of a success there. */
  readonly predictedLogLatency: number
  /** Expected time to an image, in s, at the chosen cell and at the logged one, by what was logged around that time. */
  readonly chosenSeconds?: number
  readonly loggedSeconds?: number
}

const TICK_MS = 1_000
/** Attempts within this of a moment say what a cell was like then. */
const AROUND_MS = 600_000
const LEAST_AROUND = 5
/** Ends without an image through the provider's fault, and those that say how often it succeeds. */
const FAILURES: readonly ReplayLine['outcome'][] = ['outage', 'timeout', 'empty']
const TRIALS: readonly ReplayLine['outcome'][] = ['success', ...FAILURES]

const startTracker = (
  lines: readonly ReplayLine[],
  files: readonly ModelFile[],
  { policy }: GatewaySettings,
): ProviderTracker => {
  const offerings = new Map(files.flatMap((file) => file.offerings.map((o) => [o.configKey, o])))
  const seen = new Map(
    lines.flatMap(({ model, candidates }) =>
      candidates.map(({ provider, configKey }) => [configKey, { modelId: model, provider }]),
    ),
  )
  return new ProviderTracker({
    offerings: [...seen].map(([configKey, place]) => ({
      ...place,
      configKey,
      prior: priorOf(offerings.get(configKey)?.performance, policy),
    })),
    // Nobody sends probes into the past: time alone closes a breaker.
    policy: { ...policy, probe: 'off' },
    nowMs: lines[0]?.begunMs ?? 0,
    random: streamOf(1, 0, COIN.policy),
  })
}

const optionsOf = (line: ReplayLine): readonly RoutingOption[] =>
  line.candidates.map((candidate) => ({
    cell: cellOfCandidate(line, candidate),
    pricePerImage: candidate.priceMicroUsd,
    shortcomings: candidate.shortcomings,
    isCancelFree: false,
  }))

/** Expected time to an image at a cell around a moment, by the log: of a success, and of failures before it. */
const secondsAround = (
  byCell: ReadonlyMap<string, readonly ReplayLine[]>,
  cellId: string | undefined,
  atMs: number,
): number | undefined => {
  const near = (byCell.get(cellId ?? '') ?? []).filter(
    ({ begunMs }) => Math.abs(begunMs - atMs) <= AROUND_MS,
  )
  const sum = (lines: readonly ReplayLine[]): number =>
    lines.reduce((total, { providerMs }) => total + providerMs, 0)
  const successes = near.filter(({ outcome }) => outcome === 'success')
  const failures = near.filter(({ outcome }) => FAILURES.includes(outcome))
  if (successes.length + failures.length < LEAST_AROUND || successes.length === 0) return undefined
  return (sum(successes) + sum(failures)) / successes.length / 1_000
}

const groupByCell = (lines: readonly ReplayLine[]): ReadonlyMap<string, readonly ReplayLine[]> => {
  const groups = new Map<string, ReplayLine[]>()
  for (const line of lines) {
    const { id } = cellOfLine(line)
    const group = groups.get(id)
    if (group) group.push(line)
    else groups.set(id, [line])
  }
  return groups
}

/** Attempts of the log, played to a tracker in order of time; each request's first one is compared with its choice. */
export const replay = (
  lines: readonly ReplayLine[],
  files: readonly ModelFile[],
  settings: GatewaySettings,
): readonly ReplayedChoice[] => {
  const tracker = startTracker(lines, files, settings)
  const byCell = groupByCell(lines)
  const random = streamOf(1, 1, COIN.policy)
  const queue = new EventQueue()
  const requests = new Set<string>()
  const choices: ReplayedChoice[] = []
  let inFlight = 0
  let isTicking = false

  const tick = (nowMs: number): void => {
    tracker.tick(nowMs)
    isTicking = inFlight > 0
    if (isTicking) queue.plan(nowMs + TICK_MS, tick)
  }
  const compare = (line: ReplayLine): void => {
    const { begunMs: nowMs, model } = line
    tracker.arrive(model, nowMs)
    const { preferences, policy } = settings
    const decision = chooseNext({
      options: optionsOf(line),
      preferences,
      history: NO_HISTORY,
      leftMs: DEADLINE_MS,
      nowMs,
      tracker,
      policy,
      random,
    })
    const chosen = decision.type === 'try' ? decision.chosen.option.cell : undefined
    const logged = cellOfLine(line)
    const estimate = tracker.estimateOf(logged, nowMs)
    const chosenSeconds = secondsAround(byCell, chosen?.id, nowMs)
    const loggedSeconds = secondsAround(byCell, logged.id, nowMs)
    choices.push({
      line,
      predictedSuccess: estimate.success,
      predictedLogLatency: estimate.latency.logMean,
      ...(chosen && { chosen }),
      ...(chosenSeconds !== undefined && { chosenSeconds }),
      ...(loggedSeconds !== undefined && { loggedSeconds }),
    })
  }
  const settle = (ticket: Ticket, line: ReplayLine, nowMs: number): void => {
    const { outcome, kind, provider, providerMs: durationMs, retryAfterMs } = line
    const wait = retryAfterMs === undefined ? {} : { retryAfterMs }
    inFlight -= 1
    tracker.settle(ticket, { outcome, durationMs, ...wait }, nowMs)
    if (kind && FAILURE_RULES[kind].takesOut) tracker.takeOut(provider, nowMs)
  }
  for (const line of lines) {
    queue.plan(line.begunMs, (nowMs) => {
      const { isProbe, requestId } = line
      const isFirst = !isProbe && !requests.has(requestId)
      if (isFirst) requests.add(requestId)
      if (isFirst) compare(line)
      inFlight += 1
      if (!isTicking) tick(nowMs)
      const ticket = tracker.begin(
        cellOfLine(line),
        { isFirst, isProbe, limitMs: Number.POSITIVE_INFINITY },
        nowMs,
      )
      queue.plan(nowMs + line.providerMs, (endMs) => settle(ticket, line, endMs))
    })
  }
  queue.run()
  return choices
}

/** How well a policy's beliefs fit a log, and what its choices would have been worth. */
export interface ReplaySummary {
  readonly requests: number
  /** Share of requests that went where the policy would have sent them. */
  readonly sameFirst: number
  readonly predictedSuccess: number
  readonly observedSuccess: number
  /** Mean squared error of the predicted probability of success; 0.25 is what knowing nothing gives. */
  readonly brier: number
  /** Root mean square of ln(actual / expected latency) of successes. */
  readonly logLatencyError: number
  /** Mean expected time to an image by a first try, in s, of the choices that the log can judge; and of the log's own. */
  readonly chosenSeconds: number
  readonly loggedSeconds: number
  /** How many requests those two are taken over. */
  readonly judged: number
}

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

/** The summary of replayed choices. Measures without a case are NaN. */
export const summarize = (choices: readonly ReplayedChoice[]): ReplaySummary => {
  const tried = choices.filter(({ line: { outcome } }) => TRIALS.includes(outcome))
  const hit = ({ line }: ReplayedChoice): number => (line.outcome === 'success' ? 1 : 0)
  const judged = choices.flatMap(({ chosenSeconds, loggedSeconds }) =>
    chosenSeconds === undefined || loggedSeconds === undefined
      ? []
      : [{ chosenSeconds, loggedSeconds }],
  )
  return {
    requests: choices.length,
    sameFirst: meanOf(
      choices.map(({ chosen, line }) => (chosen?.id === cellOfLine(line).id ? 1 : 0)),
    ),
    predictedSuccess: meanOf(tried.map(({ predictedSuccess }) => predictedSuccess)),
    observedSuccess: meanOf(tried.map(hit)),
    brier: meanOf(tried.map((choice) => (choice.predictedSuccess - hit(choice)) ** 2)),
    logLatencyError: Math.sqrt(
      meanOf(
        tried
          .filter((choice) => hit(choice) === 1)
          .map(
            ({ line, predictedLogLatency }) =>
              (Math.log(Math.max(1, line.providerMs)) - predictedLogLatency) ** 2,
          ),
      ),
    ),
    chosenSeconds: meanOf(judged.map(({ chosenSeconds }) => chosenSeconds)),
    loggedSeconds: meanOf(judged.map(({ loggedSeconds }) => loggedSeconds)),
    judged: judged.length,
  }
}
