import { type CommonErrors, spoilAnswer } from './answer-fault.ts'
import { createCallLog } from './call-log.ts'
import type { Emulator, ProviderId } from './emulator.ts'
import { createFileHost, type FileHost } from './file-host.ts'
import { createOpenJobs, type OpenJobs } from './open-jobs.ts'
import { drawOutcome, type Outcome } from './outcome.ts'
import type { PictureMaker } from './picture.ts'
import {
  type AnswerFault,
  checkScenario,
  type Fault,
  type Scenario,
  type SpoilableCall,
} from './scenario.ts'
import { createSeededRandom, hashText, type SeededRandom } from './seeded-random.ts'
import { type Route, silence, type WireReply, type WireRequest } from './wire.ts'
import { startWireServer } from './wire-server.ts'

/** What the handlers of one provider work with. */
export interface EmulatorContext {
  readonly id: ProviderId
  /** Divides every duration. */
  readonly timeScale: number
  readonly random: SeededRandom
  readonly files: FileHost
  readonly pictures: PictureMaker
  readonly openJobs: OpenJobs
  /** Public origin of the emulator, without a slash at the end. */
  url(): string
  scenario(): Scenario
  /** Decides the fate of a create that is well-formed and authorised. */
  draw(): Outcome
  /** Seconds that `rate_limited_with_hint` asks to wait, scaled; may be a fraction. */
  retryAfterSeconds(): number
}

/** What makes one provider different from the others. */
export interface ProviderDefinition {
  readonly id: ProviderId
  readonly errors: CommonErrors
  /** Answers paths that nothing is served at. */
  notFound(request: WireRequest): WireReply
  routes(context: EmulatorContext): readonly Route[]
}

export interface EmulatorSettings {
  readonly host: string
  /** 0: chosen by the system. */
  readonly port: number
  readonly publicHost: string
  readonly timeScale: number
  readonly seed: number
  readonly pictures: PictureMaker
}

const DEFAULT_RETRY_AFTER_MS = 26_000
const DEFAULT_DRIP_INTERVAL_MS = 1_000

/** The scenario in force and what is left of its lists. */
interface Play {
  readonly scenario: Scenario
  readonly next: (Fault | 'success')[]
  readonly nextAt: Readonly<Partial<Record<string, AnswerFault[]>>>
}

const startPlay = (scenario: Scenario): Play => {
  const lists = Object.entries(scenario.nextAt ?? {}) as [SpoilableCall, AnswerFault[]][]
  const nextAt = Object.fromEntries(lists.map(([kind, faults]) => [kind, [...faults]]))
  return { scenario, next: [...(scenario.next ?? [])], nextAt }
}

/** Faults that stand before the work: what was asked for is not done. */
const REFUSALS: readonly (AnswerFault | undefined)[] = [
  'rate_limited',
  'server_error',
  'stalled_error',
  'unavailable',
  'gateway_timeout',
]

/** Lets `nextAt` spoil what a route other than a create answers. */
const spoilable = (route: Route, errors: CommonErrors, play: () => Play): Route => {
  if (route.kind === 'create') return route
  return {
    ...route,
    handle: async (request) => {
      const fault = play().nextAt[route.kind]?.shift()
      const reply = REFUSALS.includes(fault) ? silence : await route.handle(request)
      return fault ? spoilAnswer(fault, reply, errors) : reply
    },
  }
}

/** Starts one provider on a socket of its own. */
export const createEmulator = async (
  definition: ProviderDefinition,
  settings: EmulatorSettings,
): Promise<Emulator> => {
  const { id, errors } = definition
  const { timeScale } = settings
  const log = createCallLog()
  let play = startPlay({})
  let url = ''
  const random = createSeededRandom(settings.seed ^ hashText(id))
  const files = createFileHost('/files')
  const openJobs = createOpenJobs()
  const context: EmulatorContext = {
    id,
    timeScale,
    random,
    files,
    pictures: settings.pictures,
    openJobs,
    url: () => url,
    scenario: () => play.scenario,
    draw: () => drawOutcome(play.scenario, play.next.shift(), random, timeScale),
    retryAfterSeconds: () =>
      (play.scenario.retryAfterMs ?? DEFAULT_RETRY_AFTER_MS) / 1_000 / timeScale,
  }
  const routes = [...definition.routes(context), ...files.routes]
  const server = await startWireServer({
    host: settings.host,
    port: settings.port,
    routes: routes.map((route) => spoilable(route, errors, () => play)),
    log,
    dripIntervalMs: () => (play.scenario.dripIntervalMs ?? DEFAULT_DRIP_INTERVAL_MS) / timeScale,
    notFound: definition.notFound,
  })
  url = `http://${settings.publicHost}:${server.port}`
  return {
    id,
    url,
    setScenario(scenario) {
      checkScenario(id, scenario)
      play = startPlay(scenario)
    },
    calls: log.calls,
    count: log.count,
    clearCalls() {
      log.clear()
      openJobs.clear()
    },
    jobsLeftRunning: openJobs.count,
    close: server.close,
  }
}
