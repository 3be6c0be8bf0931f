import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { providerModules } from '#providers/provider-modules.ts'
import { readConfig } from '#src/config.ts'
import { startGateway } from '#src/start-gateway.ts'

/** Where the document lies in the repository, for readers without a gateway. */
export const OPENAPI_FILE = new URL('../http/openapi.json', import.meta.url).pathname

/** A gateway that serves everything that one can serve: metrics too, which else have a port of their own. */
const environmentWith = (mediaDir: string): Record<string, string> => ({
  HOST: '127.0.0.1',
  PORT: '0',
  ADMIN_PORT: '0',
  FAL_KEY: 'never-called',
  GATEWAY_API_KEYS: 'never-asked-for',
  MEDIA_DIR: mediaDir,
})

/** The document as such a gateway serves it. */
export const renderOpenApi = async (): Promise<string> => {
  const mediaDir = await mkdtemp(join(tmpdir(), 'fresnel-openapi-'))
  const gateway = await startGateway(
    readConfig(environmentWith(mediaDir), providerModules),
    pino({ level: 'silent' }),
  )
  try {
    const answer = await fetch(`${gateway.url}/openapi.json`)
    return `${JSON.stringify(await answer.json(), null, 2)}\n`
  } finally {
    await gateway.close()
    await rm(mediaDir, { recursive: true, force: true })
  }
}

if (import.meta.main) await writeFile(OPENAPI_FILE, await renderOpenApi())
