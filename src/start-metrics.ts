import type { App } from './app.ts'
import type { Catalog } from './catalog/catalog.ts'
import type { ReloadableCatalog } from './catalog/reloadable-catalog.ts'
import { STANDARD_PARAMETERS } from './catalog/standard-parameters.ts'
import type { Config } from './config.ts'
import { RoutingFieldSchema } from './domain/image-request.ts'
import type { GenerationDependencies } from './generation/generation-dependencies.ts'
import type { AnsweredCall } from './http/plugins/traffic.ts'
import { imageQueueLength } from './images/image-queue.ts'
import { readVersion } from './read-version.ts'
import type { RunningAdmission } from './start-admission.ts'
import type { RunningRequestLog } from './start-request-log.ts'
import type { RunningRuns } from './start-runs.ts'
import { createMetrics, type Metrics } from './telemetry/create-metrics.ts'
import { type CatalogLabels, NO_PARAM } from './telemetry/metrics.ts'
import { watchGateway } from './telemetry/watch-gateway.ts'
import { watchOfferings } from './telemetry/watch-offerings.ts'

/** What labels can say of this catalogue: nothing that a client wrote. */
export const labelsOf = ({ models }: Pick<Catalog, 'models'>): CatalogLabels => {
  const offerings = models.flatMap((model) => model.offerings)
  const parameters = models.flatMap(({ card }) => Object.keys(card.parameters))
  const wishes = Object.keys(RoutingFieldSchema.properties).map((name) => `provider.${name}`)
  const params = [NO_PARAM, ...parameters, ...STANDARD_PARAMETERS.keys(), ...wishes]
  return {
    model: models.map(({ card }) => card.id),
    provider: [...new Set(offerings.map(({ provider }) => provider))],
    offering: offerings.map(({ configKey }) => configKey),
    param: [...new Set(params)],
  }
}

/** Metrics that count nothing yet. */
export const startMetrics = (catalog: ReloadableCatalog): Metrics => {
  const metrics = createMetrics({ catalog: labelsOf(catalog), version: readVersion() })
  catalog.onReload((next) => metrics.extend(labelsOf(next)))
  return metrics
}

/** What counts the answers of the API port. */
export const answerCounter = (metrics: Metrics): ((call: AnsweredCall) => void) => {
  const responses = metrics.counter('fresnel_http_responses_total')
  return ({ route, status }) => responses({ route, status: String(status) }, 1)
}

/** The parts of a gateway whose state metrics show. */
export interface MeasuredParts {
  readonly config: Config
  readonly generation: GenerationDependencies
  readonly runs: Pick<RunningRuns, 'detached' | 'isShared' | 'webhooksUnderWay'>
  readonly requestLog: Pick<RunningRequestLog, 'waiting'>
  readonly admission: RunningAdmission
  readonly app: Pick<App, 'inFlight' | 'traffic'>
}

/** Has metrics told how things stand whenever they are read. */
export const watchParts = (parts: MeasuredParts, metrics: Metrics): void => {
  const { config, generation, runs, requestLog, admission, app } = parts
  const { catalog, adapters, routing } = generation
  const view = {
    get models() {
      return catalog.models
    },
    configuredProviders: new Set(adapters.keys()),
    routing,
    requestTimeoutMs: config.requestTimeoutMs,
  }
  watchOfferings(view, metrics)
  watchGateway(
    {
      requestsInFlight: () => app.inFlight.count,
      detachedRequests: () => runs.detached.names().length,
      bytesInFlight: app.traffic.bytes,
      memory: admission.budget.figures,
      admittedRequests: () => ({
        underWay: admission.admissions.underWay(),
        limit: admission.maxRequests,
      }),
      imageQueue: imageQueueLength,
      webhooksUnderWay: runs.webhooksUnderWay,
      requestLogWaiting: requestLog.waiting,
      areRunsShared: runs.isShared,
      isRedisConfigured: config.redisUrl !== undefined,
    },
    metrics,
  )
}
