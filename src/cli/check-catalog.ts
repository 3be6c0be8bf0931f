import { parseArgs } from 'node:util'
import { createUpstreamTransport } from '#providers/lib/upstream-transport.ts'
import { providerModules } from '#providers/provider-modules.ts'
import { type Catalog, createCatalog } from '#src/catalog/catalog.ts'
import { CatalogError, readModelFiles } from '#src/catalog/model-files.ts'
import { ConfigError, readProcessEnvironment } from '#src/config.ts'
import { readConfigFile } from '#src/config-file.ts'
import { systemClock } from '#src/domain/clock.ts'
import type { ProviderDependencies } from '#src/domain/provider-adapter.ts'
import type { PublishedModels } from '#src/domain/published-model.ts'
import { type GatewayEnvironment, GatewayEnvironmentSchema } from '#src/environment.ts'
import { type Environment, readVariables } from '#src/read-variables.ts'
import { BUILT_IN_MODELS } from '#src/start-catalog.ts'
import { checkCatalog } from './catalog-findings.ts'
import { exitStatusOf, renderJson, renderReport } from './catalog-report.ts'

const USAGE = `Compares the catalogue with what the providers publish of their models now. Makes no pictures, costs nothing.

  npm run catalog:check -- [--provider fal]… [--json]

  --provider  asks this one only; may be given several times
  --json      for programs

Reads the same variables as the gateway, .env, MODELS_DIR and CONFIG_FILE included. Providers without a key are skipped,
but for fal, whose schemas are public. Ends with 0 when nothing has drifted, with 1 when something has, and with 2 when
nothing could be read or it is called wrongly.
`

/** Longest time that the answer about one model is waited for, in ms. */
const READ_LIMIT_MS = 20_000

/** What the command needs of the gateway's settings. */
interface Settings {
  readonly modelsDirs: readonly string[]
  /** By provider slug. */
  readonly providers: ReadonlyMap<string, Readonly<Record<string, string>>>
}

/** Throws `ConfigError` with all problems at once. */
const readSettings = (environment: Environment): Settings => {
  const problems: string[] = []
  const values = readVariables(GatewayEnvironmentSchema, environment, problems)
  const { MODELS_DIR, CONFIG_FILE, REQUEST_TIMEOUT_MS } = values as GatewayEnvironment
  const context = { deadlineMs: REQUEST_TIMEOUT_MS, environmentHashes: [] }
  const fileDirs =
    CONFIG_FILE === undefined ? [] : readConfigFile(CONFIG_FILE, context, problems).modelsDirs
  const providers = new Map(
    providerModules.map(({ id, configSchema }) => [
      id,
      readVariables(configSchema, environment, problems) as Record<string, string>,
    ]),
  )
  if (problems.length > 0) throw new ConfigError(problems)
  return { modelsDirs: [...(MODELS_DIR ? [MODELS_DIR] : []), ...fileDirs], providers }
}

const readCatalog = async ({ modelsDirs }: Settings): Promise<Catalog> =>
  createCatalog(
    await readModelFiles([BUILT_IN_MODELS, ...modelsDirs], {
      providers: providerModules.map(({ id }) => id),
    }),
  )

const createReaders = (
  { providers }: Settings,
  only: readonly string[],
  send: ProviderDependencies['send'],
): ReadonlyMap<string, PublishedModels> => {
  const silent = () => undefined
  const logger = { debug: silent, warn: silent }
  const dependencies = { send, logger, clock: systemClock, timeScale: 1 }
  const readers = new Map<string, PublishedModels>()
  for (const { id, createModels } of providerModules) {
    if (only.length > 0 && !only.includes(id)) continue
    const reader = createModels?.(providers.get(id) ?? {}, dependencies)
    if (reader) readers.set(id, reader)
  }
  return readers
}

/** It was called in a way that means nothing. */
class UsageError extends Error {}

const readArguments = () => {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      provider: { type: 'string', multiple: true, default: [] },
    },
  })
  const slugs = providerModules.map(({ id }) => id)
  const unknown = values.provider.find((slug) => !slugs.includes(slug))
  if (unknown === undefined) return values
  throw new UsageError(`--provider ${unknown} is unknown; there are: ${slugs.join(', ')}`)
}

const print = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

const run = async (): Promise<void> => {
  const { help, json, provider: only } = readArguments()
  if (help) {
    print(USAGE)
    return
  }
  const settings = readSettings(readProcessEnvironment())
  const catalog = await readCatalog(settings)
  const upstream = createUpstreamTransport()
  const readers = createReaders(settings, only, upstream.send)
  const all = await checkCatalog(catalog, { readers, limitMs: READ_LIMIT_MS })
  const isAsked = ({ provider }: { readonly provider: string }): boolean =>
    only.length === 0 || only.includes(provider)
  const findings = all.filter(isAsked)
  print(json ? renderJson(findings) : renderReport(findings))
  process.exitCode = exitStatusOf(findings)
  await upstream.close()
}

/** One sentence for what its caller can mend. */
const describeProblem = (error: unknown): string => {
  const mendable = [ConfigError, CatalogError, UsageError]
  if (mendable.some((kind) => error instanceof kind)) return (error as Error).message
  const isCall = error instanceof TypeError && 'code' in error
  return isCall ? `${error.message}\n\n${USAGE}` : String((error as Error).stack ?? error)
}

try {
  await run()
} catch (error) {
  process.stderr.write(`${describeProblem(error)}\n`)
  process.exitCode = 2
}
