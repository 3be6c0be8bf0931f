import { explainDecision } from '#src/generation/explain-decision.ts'
import type { Candidate } from '#src/routing/candidates.ts'
import { chooseNext } from '#src/routing/choose-next.ts'
import { type ChainHistory, withTry } from '#src/routing/rank-options.ts'
import type { Benchmark, Goal, Table } from './benchmark.ts'
import {
  type BusyRouting,
  type BusyRoutingOptions,
  createBusyRouting,
  situationFor,
} from './busy-routing.ts'
import {
  compareRounds,
  type MeasureOptions,
  measure,
  median,
  summarize,
  type TimedCase,
  type Timings,
  timeSync,
} from './measure.ts'
import { formatFigure, timingsTable } from './print-report.ts'

/** 100,000 decisions of each case. */
const MEASURE: MeasureOptions = { rounds: 10, perRound: 10_000, perTurn: 500, warmUp: 20_000 }
const FEW: MeasureOptions = { rounds: 5, perRound: 40, perTurn: 1, warmUp: 20 }

/** Time between two decisions, in ms: the windows have to be brought to a new now each time, as in a live gateway. */
const STEP_MS = 0.1

const EIGHT: BusyRoutingOptions = { models: 1, providers: 8, inFlight: 100 }

/** The candidates of the n-th request: models, modes and scales in turn. */
const requestOf = ({ requests }: BusyRouting, index: number): readonly Candidate[] => {
  const shapes = requests[index % requests.length] as readonly (readonly Candidate[])[]
  return shapes[Math.floor(index / requests.length) % shapes.length] as readonly Candidate[]
}

const decide = (busy: BusyRouting, options: readonly Candidate[], history?: ChainHistory) =>
  chooseNext({ ...situationFor(busy, options), ...(history && { history }) })

const decisionCase = (name: string, busy: BusyRouting, history?: ChainHistory): TimedCase => ({
  name,
  sample: (index) => {
    const options = requestOf(busy, index)
    busy.clock.advance(STEP_MS)
    return timeSync(() => decide(busy, options, history))
  },
})

const decisionCases = (): readonly TimedCase[] => {
  const eight = createBusyRouting(EIGHT)
  const twoTries = ['provider-0', 'provider-2'].reduce(
    (history, provider) => withTry(history, provider, 'overloaded'),
    situationFor(eight, []).history,
  )
  return [
    decisionCase('first try, 4 candidates', createBusyRouting({ ...EIGHT, providers: 4 })),
    decisionCase('first try, 8 candidates', eight),
    decisionCase('third try, 8 candidates', createBusyRouting(EIGHT), twoTries),
  ]
}

/** What else an attempt costs. */
const besidesCases = (): readonly TimedCase[] => {
  const [attempted, explained] = [createBusyRouting(EIGHT), createBusyRouting(EIGHT)]
  return [
    {
      name: 'begin and settle of an attempt',
      sample: (index) => {
        const { tracker, clock } = attempted.routing
        const { cell } = requestOf(attempted, index)[index % 3] as Candidate
        attempted.clock.advance(STEP_MS)
        const nowMs = clock.nowMs()
        return timeSync(() => {
          const ticket = tracker.begin(
            cell,
            { isFirst: true, isProbe: false, limitMs: Number.POSITIVE_INFINITY },
            nowMs,
          )
          tracker.settle(ticket, { outcome: 'success', durationMs: 30_000 }, nowMs)
        })
      },
    },
    {
      name: 'explaining a decision, 8 candidates',
      sample: (index) => {
        const decision = decide(explained, requestOf(explained, index))
        return timeSync(() => explainDecision(decision, 0, explained.routing.clock))
      },
    },
  ]
}

const growthCases = (): readonly TimedCase[] => {
  const small = createBusyRouting({ models: 1, providers: 8, inFlight: 0 })
  const large = createBusyRouting({ models: 40, providers: 8, inFlight: 1_000 })
  const asked = { ...large, requests: large.requests.slice(0, 1) }
  return [
    decisionCase('1 model, nothing in flight', small),
    decisionCase('40 models, 1,000 in flight, one asked', asked),
    decisionCase('40 models, 1,000 in flight, each asked in turn', large),
  ]
}

const tickCase = (name: string, options: BusyRoutingOptions): TimedCase => {
  const busy = createBusyRouting(options)
  return {
    name,
    sample: () => {
      // Little time, so that what is in flight stays on time.
      busy.clock.advance(STEP_MS)
      return timeSync(() => busy.routing.tracker.tick(busy.routing.clock.nowMs()))
    },
  }
}

const growthRatios = (timings: readonly Timings[]): { table: Table; ratio: number } => {
  const [base, ...others] = timings as [Timings, ...Timings[]]
  const ratios = others.map((other) => median(compareRounds(base, other, (a, b) => b / a)))
  return {
    table: {
      title: `Median against "${base.name}", median of the rounds`,
      columns: ['case', 'ratio'],
      rows: others.map(({ name }, place) => [name, formatFigure(ratios[place] as number)]),
    },
    ratio: ratios[0] as number,
  }
}

const decisionGoals = (decisions: readonly Timings[]): readonly Goal[] => {
  const { p50, p99 } = summarize(decisions[1] as Timings)
  return [
    { name: 'a decision over 8 candidates, p50', value: p50, atMost: 50, unit: 'µs' },
    { name: 'a decision over 8 candidates, p99', value: p99, atMost: 100, unit: 'µs' },
  ]
}

export const routingDecision: Benchmark = {
  name: 'routing-decision',
  description:
    'How long a gateway thinks: each model has seen 20 attempts in every mode and scale of each offering; one breaker is open, others pause, 100 attempts are in flight.',
  run: async () => {
    const decisions = await measure(decisionCases(), MEASURE)
    const besides = await measure(besidesCases(), MEASURE)
    const growth = await measure(growthCases(), MEASURE)
    const ticks = [
      tickCase('1 model, 100 in flight', EIGHT),
      tickCase('40 models, 1,000 in flight', { models: 40, providers: 8, inFlight: 1_000 }),
    ]
    const ticked = await measure(ticks, FEW)
    const { table, ratio } = growthRatios(growth)
    return {
      tables: [
        timingsTable('One decision', decisions),
        timingsTable('Beside it', besides),
        timingsTable('Growth, 8 candidates', growth),
        table,
        timingsTable('The tick, once a second', ticked),
      ],
      goals: [
        ...decisionGoals(decisions),
        { name: 'growth, 40 models and 1,000 in flight', value: ratio, atMost: 1.1, unit: '' },
      ],
    }
  },
}
