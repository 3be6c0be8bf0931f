import closeWithGrace from 'close-with-grace'
import { providerModules } from '#providers/provider-modules.ts'
import { CatalogError } from './catalog/model-files.ts'
import { ConfigError, readConfig, readProcessEnvironment } from './config.ts'
import { startGateway } from './start-gateway.ts'

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
    const gateway = await startGateway(config)
    gateway.logger.info({ url: gateway.url, providers: [...config.providers.keys()] }, 'listening')
    const drainMs = config.requestTimeoutMs + DRAIN_MARGIN_MS
    closeWithGrace({ delay: drainMs }, async ({ err }) => {
      if (err) gateway.logger.fatal({ name: err.name, stack: err.stack }, 'unexpected error')
      else gateway.logger.info('draining')
      await gateway.close()
    })
  } catch (error) {
    process.stderr.write(`${describeStartProblem(error)}\n`)
    process.exitCode = 1
  }
}

await run()
