import { createEmulator, type ProviderDefinition } from './create-emulator.ts'
import {
  EMULATED_PROVIDERS,
  EMULATOR_KEYS,
  type Emulator,
  type EmulatorOptions,
  type Emulators,
  type ProviderId,
} from './emulator.ts'
import { falEmulator } from './fal/fal-emulator.ts'
import { geminiEmulator } from './google/gemini-emulator.ts'
import { createServiceAccounts } from './google/service-accounts.ts'
import { createVertexEmulator } from './google/vertex-emulator.ts'
import { createPictureMaker } from './picture.ts'
import { createPlainPictureMaker } from './picture-plain.ts'
import { replicateEmulator } from './replicate/replicate-emulator.ts'

/** Names of the settings that switch each provider of a gateway on, and where its API begins. */
const SETTINGS: Readonly<Record<ProviderId, { key: string; baseUrl: string; path: string }>> = {
  gemini: { key: 'GEMINI_API_KEY', baseUrl: 'GEMINI_BASE_URL', path: '' },
  vertex: { key: 'VERTEX_API_KEY', baseUrl: 'VERTEX_BASE_URL', path: '' },
  fal: { key: 'FAL_KEY', baseUrl: 'FAL_BASE_URL', path: '' },
  replicate: { key: 'REPLICATE_API_TOKEN', baseUrl: 'REPLICATE_BASE_URL', path: '/v1' },
}

const describeEnvironment = (
  started: ReadonlyMap<ProviderId, Emulator>,
  timeScale: number,
): Record<string, string> => {
  const environment: Record<string, string> = { TIME_SCALE: String(timeScale) }
  for (const [id, { url }] of started) {
    const { key, baseUrl, path } = SETTINGS[id]
    environment[key] = EMULATOR_KEYS[id]
    environment[baseUrl] = url + path
  }
  const hosts = [...started.values()].map(({ url }) => url.replace('http://', ''))
  environment.OUTBOUND_ALLOW = hosts.join(',')
  return environment
}

/** Starts the emulated providers, each on a port of its own. */
export const startEmulators = async (options: EmulatorOptions = {}): Promise<Emulators> => {
  const { timeScale = 1, seed = 1, host = '127.0.0.1', only = EMULATED_PROVIDERS } = options
  if (!(timeScale > 0)) throw new Error(`timeScale ${timeScale} is not above 0`)
  const accounts = createServiceAccounts()
  const definitions: readonly ProviderDefinition[] = [
    geminiEmulator,
    createVertexEmulator(accounts),
    falEmulator,
    replicateEmulator,
  ]
  const publicHost = options.publicHost ?? host
  const pictures = options.plainPictures ? createPlainPictureMaker() : createPictureMaker()
  const shared = { host, publicHost, timeScale, seed, pictures }
  const started = new Map<ProviderId, Emulator>()
  const closeAll = async (): Promise<void> => {
    await Promise.all([...started.values()].map((emulator) => emulator.close()))
  }
  try {
    for (const definition of definitions.filter(({ id }) => only.includes(id))) {
      const port = options.ports?.[definition.id] ?? 0
      started.set(definition.id, await createEmulator(definition, { ...shared, port }))
    }
  } catch (error) {
    await closeAll()
    throw error
  }
  const need = (id: ProviderId): Emulator => {
    const emulator = started.get(id)
    if (!emulator)
      throw new Error(`the ${id} emulator was not started; started: ${only.join(', ')}`)
    return emulator
  }
  return {
    get gemini() {
      return need('gemini')
    },
    get vertex() {
      return need('vertex')
    },
    get fal() {
      return need('fal')
    },
    get replicate() {
      return need('replicate')
    },
    environment: describeEnvironment(started, timeScale),
    vertexServiceAccount: () => accounts.file(need('vertex').url),
    close: closeAll,
  }
}
