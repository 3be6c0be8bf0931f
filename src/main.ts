import closeWithGrace from 'close-with-grace'
import { providerModules } from '#providers/provider-modules.ts'
import { CatalogError } from './catalog/model-files.ts'
import { ConfigError, readConfig, readProcessEnvironment } from './config.ts'
import { type RunningGateway, startGateway } from './start-gateway.ts'
import { createLogger } from './telemetry/logger.ts'

/** How much longer than the slowest request a shutdown waits, in milliseconds. */
const DRAIN_MARGIN_MS = 15_000

/** One sentence for what an operator can mend, such as a port in use or a folder that cannot be written. */
const describeStartProblem = (error: unknown): string => {
  if (error instanceof ConfigError || error instanceof CatalogError) return error.message
  if (!(error instanceof Error)) return 'The gateway cannot start.'
  const isSystemError = 'syscall' in error
  return isSystemError ? `The gateway cannot start: ${error.message}` : String(error.stack)
}

const run = async (): Promise<void> => {
  try {
    const config = readConfig(readProcessEnvironment(), providerModules)
    const logger = createLogger(config.logLevel)
    let gateway: RunningGateway | undefined
    // From the beginning: starting may take seconds when Redis does not answer.
    const grace = closeWithGrace(
      { delay: config.requestTimeoutMs + DRAIN_MARGIN_MS, logger: false },
      async ({ err }) => {
        if (err) logger.fatal({ name: err.name, stack: err.stack }, 'unexpected error')
        else logger.info('draining')
        await gateway?.close()
      },
    )
    gateway = await startGateway(config, logger).catch((error: unknown) => {
      grace.uninstall()
      throw error
    })
    logger.info({ url: gateway.url, providers: [...config.providers.keys()] }, 'listening')
  } catch (error) {
    process.stderr.write(`${describeStartProblem(error)}\n`)
    process.exitCode = 1
  }
}

await run()
