import { open } from 'node:fs/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { readModelFiles } from '#src/catalog/model-files.ts'
import { DECISION_P99_MICROSECONDS } from '#src/simulation/bars.ts'
import { readFirstModel } from '#src/simulation/first-model.ts'
import { gatewayContender } from '#src/simulation/gateway-router.ts'
import type { GatewaySettings } from '#src/simulation/gateways.ts'
import { type ReplaySummary, replay, summarize } from '#src/simulation/replay.ts'
import { type ReplayLog, readReplayLog } from '#src/simulation/replay-log.ts'
import { renderDetails, renderReport } from '#src/simulation/report.ts'
import { runContenders, type SetResult } from '#src/simulation/run-sets.ts'
import { scenarioSets } from '#src/simulation/scenarios.ts'
import { DEFAULT_SETTINGS, withSetting } from '#src/simulation/settings.ts'
import { simulate } from '#src/simulation/simulate.ts'

const USAGE = `Simulates the routing policy against an oracle and simple peers, or replays a log through it.

  npm run simulate -- [--quick | --seeds 8] [--scenario S2b]… [--set name=value]… [--details]
  npm run simulate -- --replay gateway.log [--set sort=price]… [--models folder]…

  --set      a knob of src/routing/README.md within its range, or sort
  --details  prints every contender's figures, too
  --replay   a gateway's log, written at LOG_LEVEL=debug
  --models   a folder of model files besides the built-in ones, as the gateway's MODELS_DIR

Ends with 1 when a bar of the table is missed, when a log holds no attempt, or when it is called wrongly. How long one
decision takes says as much about the machine, and does not count.
`

const MODELS = new URL('../catalog/models', import.meta.url).pathname
const FULL_SEEDS = 8
/** How a missed bar is marked. */
const MISSED = '**missed**'
const print = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

const measureDecisions = (
  settings: GatewaySettings,
  sets: ReturnType<typeof scenarioSets>,
): string => {
  const scenario = sets.find(({ name }) => name === 'S1')?.scenarios[0]
  if (!scenario) return ''
  const times: number[] = []
  const onDecision = (microseconds: number): void => {
    times.push(microseconds)
  }
  simulate(scenario, 1, gatewayContender({ ...settings, onDecision }))
  times.sort((left, right) => left - right)
  const at = (share: number): string => (times[Math.floor(times.length * share)] ?? 0).toFixed(1)
  const limit = DECISION_P99_MICROSECONDS
  const verdict = Number(at(0.99)) <= limit ? 'reached' : MISSED
  return `One decision takes ${at(0.5)} µs (p50), ${at(0.99)} µs (p99); bar: p99 ≤ ${limit} µs: ${verdict}.`
}

const runScenarios = async (
  settings: GatewaySettings,
  { seeds, names, hasDetails }: { seeds: number; names: readonly string[]; hasDetails: boolean },
): Promise<void> => {
  const sets = scenarioSets(await readFirstModel(MODELS))
  const unknown = names.filter((name) => !sets.some((set) => set.name === name))
  if (unknown.length > 0) {
    const allowed = sets.map(({ name }) => name).join(', ')
    throw new Error(`scenario "${unknown.join('", "')}" is unknown; there are: ${allowed}`)
  }
  const results: SetResult[] = []
  for (const set of sets) {
    if (names.length > 0 && !names.includes(set.name)) continue
    const result = runContenders(set, seeds, settings)
    results.push(result)
    if (hasDetails) print(renderDetails(result))
    // Lets the news through that nobody reads on.
    await turn()
  }
  const report = renderReport(results)
  print(report)
  if (report.includes(MISSED)) process.exitCode = 1
  print(measureDecisions(settings, sets))
}

const written = (value: number, digits: number, unit = ''): string =>
  Number.isNaN(value) ? '–' : `${value.toFixed(digits)}${unit}`

const renderReplay = (label: string, summary: ReplaySummary): string => {
  const share = (value: number): string => written(100 * value, 1, ' %')
  return [
    `${label}: ${summary.requests} requests`,
    `  same first choice as logged      ${share(summary.sameFirst)}`,
    `  success predicted / observed     ${share(summary.predictedSuccess)} / ${share(summary.observedSuccess)}`,
    `  Brier score                      ${written(summary.brier, 4)}`,
    `  error of ln latency (rms)        ${written(summary.logLatencyError, 3)}`,
    `  time to an image, first tries at  ${written(summary.chosenSeconds, 2, ' s')} where this would send them, ` +
      `${written(summary.loggedSeconds, 2, ' s')} where they went (${summary.judged} requests)`,
  ].join('\n')
}

const readLog = async (path: string): Promise<ReplayLog> => {
  const file = await open(path)
  try {
    return await readReplayLog(file.readLines())
  } finally {
    await file.close()
  }
}

const runReplay = async (
  path: string,
  settings: GatewaySettings,
  folders: readonly string[],
): Promise<void> => {
  const { lines, unreadable, others } = await readLog(path)
  const requests = new Set(lines.filter(({ isProbe }) => !isProbe).map((line) => line.requestId))
  const skipped = `${unreadable + others} lines skipped (${unreadable} attempts that cannot be read, ${others} about something else)`
  print(`${lines.length} attempts of ${requests.size} requests read, ${skipped}`)
  if (requests.size === 0) {
    throw new Error(
      `${path} holds no attempt of a request; the gateway logs them at LOG_LEVEL=debug, as JSON lines with "msg":"attempt"`,
    )
  }
  const files = await readModelFiles([MODELS, ...folders])
  print(renderReplay('default', summarize(replay(lines, files, DEFAULT_SETTINGS))))
  if (settings === DEFAULT_SETTINGS) return
  print(renderReplay('as set', summarize(replay(lines, files, settings))))
}

/** Who has read enough (`| head`) ends the run; that is no failure. */
const endWithReader = (): void => {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
}

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      scenario: { type: 'string', multiple: true, default: [] },
      set: { type: 'string', multiple: true, default: [] },
      models: { type: 'string', multiple: true, default: [] },
      replay: { type: 'string' },
      quick: { type: 'boolean', default: false },
      details: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return print(USAGE)
  const settings = values.set.reduce(withSetting, DEFAULT_SETTINGS)
  if (values.replay !== undefined) return runReplay(values.replay, settings, values.models)
  const seeds = Number(values.seeds ?? (values.quick ? 1 : FULL_SEEDS))
  if (!Number.isInteger(seeds) || seeds < 1)
    throw new Error('--seeds must be a whole number from 1')
  await runScenarios(settings, { seeds, names: values.scenario, hasDetails: values.details })
}

if (import.meta.main) {
  endWithReader()
  await main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  })
}
