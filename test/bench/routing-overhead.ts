import { Agent, request } from 'node:http'
import { systemClock } from '#src/domain/clock.ts'
import { explainDecision } from '#src/generation/explain-decision.ts'
import { type Candidate, selectCandidates } from '#src/routing/candidates.ts'
import { runAttempts } from '#src/routing/failover.ts'
import { DEFAULT_ROUTING_POLICY } from '#src/routing/policy.ts'
import { createRouting, type Routing } from '#src/routing/routing.ts'
import type { TrackedWork } from '#src/routing/tracked-attempt.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import {
  ALL_PROVIDERS,
  createFirstCatalog,
  FIRST_MODEL,
  imageRequest,
} from '#test/helpers/models.ts'
import type { Benchmark, Table } from './benchmark.ts'
import { startGatewayProcess } from './gateway-process.ts'
import {
  compareRounds,
  type MeasureOptions,
  measure,
  median,
  type TimedCase,
  type Timings,
  timeSync,
} from './measure.ts'
import { formatFigure, timingsTable } from './print-report.ts'

const IN_PROCESS: MeasureOptions = { rounds: 7, perRound: 2_000, perTurn: 50, warmUp: 4_000 }

/** One request each in turn: what is looked for is a hundredth of what a request takes. */
const END_TO_END: MeasureOptions = { rounds: 9, perRound: 400, perTurn: 1, warmUp: 800 }

/** Whom an idle gateway chooses, and who is forced. */
const PROVIDER = 'gemini'

const REQUEST_MS = 280_000

const KEY = 'bench-key'

// -- In process --------------------------------------------------------------------------------------------------

const catalog = createFirstCatalog()

const createIdleRouting = (): Routing =>
  createRouting({
    models: catalog.models,
    configuredProviders: ALL_PROVIDERS,
    policy: DEFAULT_ROUTING_POLICY,
    clock: systemClock,
    timeScale: 1,
    closing: new AbortController().signal,
  })

/** The two moments of a call that are timed, in µs since its begin. */
interface CallTimes {
  readonly untilAdapterUs: number
  readonly wholeUs: number
}

/** A provider that answers at once, and notes when it was asked. */
const createInstantWork = () => {
  let askedMs = 0
  const generate: TrackedWork<string, string>['generate'] = async () => {
    askedMs = performance.now()
    return 'picture'
  }
  const work: TrackedWork<string, string> = {
    generate,
    probe: generate,
    deliver: async (_candidate, answer) => ({ items: [answer], cost: 1, fetchMs: 0 }),
    priceOf: () => 1,
  }
  return { work, askedMs: () => askedMs }
}

const timeRouted = async (routing: Routing, model: string): Promise<CallTimes> => {
  const { work, askedMs } = createInstantWork()
  const { signal } = new AbortController()
  const resolved = catalog.resolve(model)
  const isForced = resolved.forcedProvider !== undefined
  const { candidates } = selectCandidates(resolved, imageRequest(), ALL_PROVIDERS)
  const startMs = performance.now()
  await runAttempts({
    work,
    candidates,
    preferences: isForced ? { allowFallbacks: false } : {},
    count: 1,
    deadlineMs: startMs + REQUEST_MS,
    leastAttemptMs: 1_000,
    gone: signal,
    routing,
    clock: systemClock,
    onDecision: (decision) => explainDecision(decision, 0, routing.clock),
    onAttempt: () => undefined,
    onProbe: () => undefined,
  })
  const endMs = performance.now()
  return { untilAdapterUs: (askedMs() - startMs) * 1000, wholeUs: (endMs - startMs) * 1000 }
}

const timeDirect = async (candidate: Candidate): Promise<CallTimes> => {
  const { work, askedMs } = createInstantWork()
  const { signal } = new AbortController()
  const startMs = performance.now()
  const untimed = <Result>(run: () => Promise<Result>) => run()
  const context = { attemptId: '', signal, timeoutMs: REQUEST_MS, untimed }
  await work.deliver(candidate, await work.generate(candidate, 1, context), signal)
  const endMs = performance.now()
  return { untilAdapterUs: (askedMs() - startMs) * 1000, wholeUs: (endMs - startMs) * 1000 }
}

const forcedModel = `${PROVIDER}/${FIRST_MODEL}`

const callCases = (what: keyof CallTimes): readonly TimedCase[] => {
  const routing = createIdleRouting()
  const resolved = catalog.resolve(FIRST_MODEL)
  const [candidate] = selectCandidates(resolved, imageRequest(), ALL_PROVIDERS).candidates
  return [
    { name: 'direct call', sample: async () => (await timeDirect(candidate as Candidate))[what] },
    {
      name: 'runAttempts, forced provider',
      sample: async () => (await timeRouted(routing, forcedModel))[what],
    },
    {
      name: 'runAttempts, 4 candidates',
      sample: async () => (await timeRouted(routing, FIRST_MODEL))[what],
    },
  ]
}

const selectionCases = (): readonly TimedCase[] =>
  [
    { name: 'forced provider', model: forcedModel },
    { name: '4 candidates', model: FIRST_MODEL },
  ].map(({ name, model }) => {
    const [resolved, wanted] = [catalog.resolve(model), imageRequest()]
    const select = () => selectCandidates(resolved, wanted, ALL_PROVIDERS)
    return { name, sample: () => timeSync(select) }
  })

// -- End to end --------------------------------------------------------------------------------------------------

interface Answer {
  readonly status: number
  readonly text: string
  readonly tookUs: number
}

/** Sends a request over a connection that is kept, with as little ado as Node can, and reads the whole answer. */
const ask = (url: string, agent: Agent, model: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const body = JSON.stringify({ model, prompt: 'a lighthouse', resolution: '0.5K' })
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${KEY}` }
    const startMs = performance.now()
    const sent = request(
      `${url}/openai/v1/images/generations`,
      { method: 'POST', agent, headers },
      (response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString()
        })
        response.on('error', reject)
        response.on('end', () => {
          const tookUs = (performance.now() - startMs) * 1000
          resolve({ status: response.statusCode ?? 0, text, tookUs })
        })
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })

const askTimed = async (url: string, agent: Agent, model: string): Promise<number> => {
  const { status, text, tookUs } = await ask(url, agent, model)
  const { metadata } = JSON.parse(text) as { metadata?: { provider: string; attempts: unknown[] } }
  if (status !== 200 || metadata?.provider !== PROVIDER || metadata.attempts.length !== 1) {
    throw new Error(`${model} was not served by ${PROVIDER} at the first attempt: ${text}`)
  }
  return tookUs
}

const measureEndToEnd = async (): Promise<readonly Timings[]> => {
  const emulators = await startEmulators()
  const environment = { ...emulators.environment, GATEWAY_API_KEYS: KEY }
  const gateway = await startGatewayProcess(environment)
  const agent = new Agent({ keepAlive: true })
  const askFor = (name: string, model: string): TimedCase => ({
    name,
    sample: () => askTimed(gateway.url, agent, model),
  })
  try {
    return await measure(
      [
        askFor('forced provider', forcedModel),
        askFor('4 candidates', FIRST_MODEL),
        askFor('forced provider again', forcedModel),
      ],
      END_TO_END,
    )
  } finally {
    agent.destroy()
    await gateway.stop()
    await emulators.close()
  }
}

// -- Report ------------------------------------------------------------------------------------------------------

/** What one case adds to another in the same rounds: the median of the rounds, and between which values they lay. */
const addedRow = (name: string, timings: readonly Timings[], [base, other]: [number, number]) => {
  const added = compareRounds(timings[base] as Timings, timings[other] as Timings, (a, b) => b - a)
  return [name, ...[median(added), Math.min(...added), Math.max(...added)].map(formatFigure)]
}

export const routingOverhead: Benchmark = {
  name: 'routing-overhead',
  description:
    'What routing adds to a request that the first provider serves at once: in the process, and from outside against a request that names its provider.',
  run: async () => {
    const until = await measure(callCases('untilAdapterUs'), IN_PROCESS)
    const whole = await measure(callCases('wholeUs'), IN_PROCESS)
    const selection = await measure(selectionCases(), IN_PROCESS)
    const outside = await measureEndToEnd()
    const added: Table = {
      title: 'What routing adds to a request: difference of the medians of each round',
      columns: ['µs', 'median', 'least', 'most'],
      rows: [
        addedRow('finding candidates: 4 against a forced provider', selection, [0, 1]),
        addedRow(
          'until the adapter is called: forced provider against a direct call',
          until,
          [0, 1],
        ),
        addedRow('until the adapter is called: 4 candidates against a direct call', until, [0, 2]),
        addedRow('until the picture is there: 4 candidates against a direct call', whole, [0, 2]),
        addedRow('from outside: 4 candidates against a forced provider', outside, [0, 1]),
        addedRow(
          'from outside: a forced provider against itself (what chance does)',
          outside,
          [0, 2],
        ),
      ],
    }
    return {
      tables: [
        timingsTable('In process, until the adapter is called', until),
        timingsTable('In process, until the picture is there', whole),
        timingsTable('In process, finding which offerings can serve the request', selection),
        timingsTable('From outside, one request at a time', outside),
        added,
      ],
      goals: [],
    }
  },
}
