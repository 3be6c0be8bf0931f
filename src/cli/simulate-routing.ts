import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { readModelFiles } from '#src/catalog/model-files.ts'
import { DECISION_P99_MICROSECONDS } from '#src/simulation/bars.ts'
import { readFirstModel } from '#src/simulation/first-model.ts'
import { gatewayContender } from '#src/simulation/gateway-router.ts'
import type { GatewaySettings } from '#src/simulation/gateways.ts'
import { type ReplaySummary, replay, summarize } from '#src/simulation/replay.ts'
import { readReplayLog } from '#src/simulation/replay-log.ts'
import { renderDetails, renderReport } from '#src/simulation/report.ts'
import { runContenders, type SetResult } from '#src/simulation/run-sets.ts'
import { scenarioSets } from '#src/simulation/scenarios.ts'
import { DEFAULT_SETTINGS, withSetting } from '#src/simulation/settings.ts'
import { simulate } from '#src/simulation/simulate.ts'

const USAGE = `Simulates the routing policy against an oracle and simple peers, or replays a log through it.

  npm run simulate -- [--quick | --seeds 8] [--scenario S2b]… [--set name=value]… [--details]
  npm run simulate -- --replay attempts.jsonl [--set sort=price]… [--models folder]…

  --set      a tunable of src/routing/policy.ts, or sort
  --details  prints every contender's figures, too
`

const MODELS = new URL('../catalog/models', import.meta.url).pathname
const FULL_SEEDS = 8
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
  const verdict = Number(at(0.99)) <= limit ? 'reached' : '**missed**'
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
  }
  print(renderReport(results))
  print(measureDecisions(settings, sets))
}

const renderReplay = (label: string, summary: ReplaySummary): string => {
  const share = (value: number): string => `${(100 * value).toFixed(1)} %`
  return [
    `${label}: ${summary.requests} requests`,
    `  same first choice as logged      ${share(summary.sameFirst)}`,
    `  success predicted / observed     ${share(summary.predictedSuccess)} / ${share(summary.observedSuccess)}`,
    `  Brier score                      ${summary.brier.toFixed(4)}`,
    `  error of ln latency (rms)        ${summary.logLatencyError.toFixed(3)}`,
    `  time to an image, first tries at  ${summary.chosenSeconds.toFixed(2)} s where this would send them, ` +
      `${summary.loggedSeconds.toFixed(2)} s where they went (${summary.judged} requests)`,
  ].join('\n')
}

const runReplay = async (
  path: string,
  settings: GatewaySettings,
  folders: readonly string[],
): Promise<void> => {
  const { lines, skipped } = readReplayLog(await readFile(path, 'utf8'))
  print(`${lines.length} attempts read, ${skipped} lines skipped`)
  if (lines.length === 0) return
  const files = await readModelFiles([MODELS, ...folders])
  print(renderReplay('default', summarize(replay(lines, files, DEFAULT_SETTINGS))))
  if (settings === DEFAULT_SETTINGS) return
  print(renderReplay('as set', summarize(replay(lines, files, settings))))
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
  await main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  })
}
