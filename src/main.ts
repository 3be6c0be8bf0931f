import { setFlagsFromString } from 'node:v8'
import closeWithGrace from 'close-with-grace'
import type { Logger } from 'pino'
import { providerModules } from '#providers/provider-modules.ts'
import { CatalogError } from './catalog/model-files.ts'
import { type Config, ConfigError, readConfig, readProcessEnvironment } from './config.ts'
import { reloadOnHangup } from './reload-on-hangup.ts'
import { shutdownLimitMs } from './shutdown-limit.ts'
import { type RunningGateway, startGateway } from './start-gateway.ts'
import { createLogger } from './telemetry/logger.ts'

/**
 * How long requests are taken on connections that were open when the end began, in ms: a proxy that has sent one, or
 * does before it has heard of the end, gets an answer. New connections are refused at once.
 */
const LAST_CALL_MS = 500

/** A sentence for each thing that an operator can mend, such as a port in use or a folder that cannot be written. */
const describeStartProblem = (error: unknown): string => {
  if (error instanceof AggregateError) return error.errors.map(describeStartProblem).join('\n')
  if (error instanceof ConfigError || error instanceof CatalogError) return error.message
  if (!(error instanceof Error)) return 'The gateway cannot start.'
  const isSystemError = 'syscall' in error
  return isSystemError ? `The gateway cannot start: ${error.message}` : String(error.stack)
}

/** Other gateways may be meant to serve these images, too. */
const logMediaPlace = ({ redisUrl, mediaS3, mediaDir }: Config, logger: Logger): void => {
  if (redisUrl === undefined || mediaS3) return
  logger.info(
    { mediaDir },
    'images are hosted in a local folder: gateways that share Redis serve each other’s only where they share the folder, or a bucket',
  )
}

/** What the process ends before: without Redis it is lost, and with it only jobs at providers are taken over. */
const logCutOff = (gateway: RunningGateway | undefined, logger: Logger): void => {
  const requestIds = gateway?.underWay() ?? []
  if (requestIds.length > 0) logger.error({ requestIds }, 'ended before these requests were done')
}

const run = async (): Promise<void> => {
  try {
    const config = readConfig(readProcessEnvironment(), providerModules)
    const logger = createLogger(config.logLevel)
    logMediaPlace(config, logger)
    let gateway: RunningGateway | undefined
    const cutOff = (): void => logCutOff(gateway, logger)
    // From the beginning: starting may take seconds when Redis does not answer.
    const grace = closeWithGrace(
      {
        delay: shutdownLimitMs(config),
        logger: false,
        // It reads the models again.
        skip: ['SIGHUP'],
        onTimeout: cutOff,
        onSecondSignal: cutOff,
        onSecondError: cutOff,
      },
      async ({ err }) => {
        if (err) logger.fatal({ name: err.name, stack: err.stack }, 'unexpected error')
        else logger.info('draining')
        await gateway?.close(LAST_CALL_MS)
      },
    )
    const starting = startGateway(config, logger)
    reloadOnHangup(starting)
    gateway = await starting.catch((error: unknown) => {
      grace.uninstall()
      throw error
    })
    logger.info({ url: gateway.url, providers: [...config.providers.keys()] }, 'listening')
  } catch (error) {
    process.stderr.write(`${describeStartProblem(error)}\n`)
    process.exitCode = 1
  }
}

/*
 * V8 collects its whole heap whenever 64 MB of memory outside of it are new, which pictures are within a tenth of a second:
 * that took 40 % of all processor time (`cpu-fal-b64`: 9.6 ms a picture, 5.4 without). Counted with the heap they are
 * collected as it grows, which admission bounds.
 */
setFlagsFromString('--external-memory-accounted-in-global-limit')
/*
 * Before it collects everything again V8 lets its memory grow by a tenth where little is made, and to four times its size
 * where much is (`GrowingFactor`, v8/src/heap/heap-controller.cc): with few requests at a time, for each 20 to 30 pictures
 * and for half of all processor time. To three times its size always: 1.5 MB alone take 3.2 ms instead of 6.2, 32 at a time
 * as much as before or a fifth less, and a full container a twentieth more (`npm run bench -- memory-container`).
 */
setFlagsFromString('--heap-growing-percent=200')
await run()
