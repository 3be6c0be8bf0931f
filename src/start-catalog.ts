import type { Logger } from 'pino'
import { providerModules } from '#providers/provider-modules.ts'
import { type Catalog, createCatalog } from './catalog/catalog.ts'
import { CatalogError, readModelFiles } from './catalog/model-files.ts'
import { createReloadableCatalog, type ReloadableCatalog } from './catalog/reloadable-catalog.ts'
import type { Config } from './config.ts'

/** Where the models lie that come with the gateway. */
export const BUILT_IN_MODELS = new URL('./catalog/models', import.meta.url).pathname

/** The models, and what reads them again. */
export interface RunningCatalog {
  readonly catalog: ReloadableCatalog
  /**
   * Reads all folders again. Requests that come from then on see what they say now; where something is wrong, it is
   * logged, and everything stays as it is. Never rejects. True: the models were taken in.
   */
  reload(): Promise<boolean>
}

/** What the catalogue is started with. */
interface CatalogParts {
  readonly config: Pick<Config, 'modelsDirs' | 'fileKeys'>
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly readFiles: typeof readModelFiles
}

const readCatalog = async ({ config, logger, readFiles }: CatalogParts): Promise<Catalog> => {
  const files = await readFiles([BUILT_IN_MODELS, ...config.modelsDirs], {
    onReplaced: (replacement) => logger.info(replacement, 'a model file replaces another'),
    onOther: (path) =>
      logger.warn({ path }, 'a file in a folder of models is none: it was passed over'),
    providers: providerModules.map(({ id }) => id),
  })
  return createCatalog(files)
}

/** Keys of the configuration file that name models which are gone: they go on, but the next start would refuse them. */
const warnOfKeys = ({ config, logger }: CatalogParts, { models }: Catalog): void => {
  const names = new Set(models.flatMap(({ card }) => [card.id, ...card.aliases]))
  for (const { id: keyId, models: wanted = [] } of config.fileKeys) {
    const missing = wanted.filter((name) => !names.has(name))
    if (missing.length > 0) logger.warn({ keyId, missing }, 'a key names models that are gone')
  }
}

const describeFailure = (error: unknown): object => {
  if (error instanceof CatalogError) return { problems: error.problems }
  if (error instanceof Error) return { name: error.name, stack: error.stack }
  return { name: 'unknown' }
}

/** Reads the models for the first time. Rejects with `CatalogError`. */
export const startCatalog = async (
  config: CatalogParts['config'],
  logger: CatalogParts['logger'],
  readFiles: CatalogParts['readFiles'] = readModelFiles,
): Promise<RunningCatalog> => {
  const parts = { config, logger, readFiles }
  const catalog = createReloadableCatalog(await readCatalog(parts))
  const readAgain = async (): Promise<boolean> => {
    try {
      const changes = catalog.replace(await readCatalog(parts))
      logger.info({ models: catalog.models.length, ...changes }, 'models were read again')
      warnOfKeys(parts, catalog)
      return true
    } catch (error) {
      logger.error(describeFailure(error), 'models were not changed: they cannot be read again')
      return false
    }
  }
  // One after the other: what was written last has to be what counts.
  let last: Promise<unknown> = Promise.resolve()
  const reload = (): Promise<boolean> => {
    const done = last.then(readAgain)
    last = done
    return done
  }
  return { catalog, reload }
}
