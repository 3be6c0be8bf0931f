import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import closeWithGrace from 'close-with-grace'
import { providerModules } from '#providers/provider-modules.ts'
import { readConfig } from '#src/config.ts'
import { reloadOnHangup } from '#src/reload-on-hangup.ts'
import { startGateway } from '#src/start-gateway.ts'
import { applyDemoScenarios } from './demo-scenarios.ts'
import { startEmulators } from './start-emulators.ts'

/*
 * `npm run demo`: the gateway in front of emulated providers that succeed, fail and take as long as the real ones did,
 * twenty times as fast. HOST, PORT, LOG_LEVEL and MODELS_DIR are taken from the environment, real provider keys are not.
 */

const KEY = 'demo-key'
const TIME_SCALE = 20
const MODEL = 'gemini-3.1-flash-image-preview'

const describe = (url: string): string => `
Fresnel's demo is running at ${url}. No provider is called and nothing is billed: four emulated ones answer,
as often and as fast as the real ones did (times divided by ${TIME_SCALE}).

  base URL  ${url}/openai/v1
  API key   ${KEY}
  model     ${MODEL}
  console   ${url}/console

Make an image:

  curl -s ${url}/openai/v1/images/generations -H 'authorization: Bearer ${KEY}' -H 'content-type: application/json' -d '{"model": "${MODEL}", "prompt": "a lighthouse at dusk"}'

"data[0].url" in the answer is the image: open it in a browser. "metadata.attempts" tells which providers were tried.
Save it and edit it:

  curl -s ${url}/openai/v1/images/edits -H 'authorization: Bearer ${KEY}' -F model=${MODEL} -F prompt='make it night' -F image=@picture.png

Ctrl-C ends the demo.
`

const startDemo = async (): Promise<void> => {
  const mediaDir = await mkdtemp(join(tmpdir(), 'fresnel-demo-'))
  const emulators = await startEmulators({ timeScale: TIME_SCALE, seed: Date.now() % 100_000 })
  applyDemoScenarios(emulators)
  const { HOST = '127.0.0.1', PORT = '8080', LOG_LEVEL = 'warn', ADMIN_PORT = '0' } = process.env
  const { MODELS_DIR } = process.env
  const own = { HOST, PORT, ADMIN_PORT, LOG_LEVEL, MEDIA_DIR: mediaDir, GATEWAY_API_KEYS: KEY }
  const config = readConfig({ ...emulators.environment, ...own, MODELS_DIR }, providerModules)
  const release = async (): Promise<void> => {
    await emulators.close()
    await rm(mediaDir, { recursive: true, force: true })
  }
  try {
    const starting = startGateway(config)
    reloadOnHangup(starting)
    const gateway = await starting
    process.stdout.write(describe(gateway.url))
    closeWithGrace({ delay: 10_000, logger: false, skip: ['SIGHUP'] }, async () => {
      await gateway.close()
      await release()
    })
  } catch (error) {
    await release()
    throw error
  }
}

startDemo().catch((error: NodeJS.ErrnoException) => {
  const isPortTaken = error.code === 'EADDRINUSE'
  const hint = 'Another program listens on that port: choose one, as in "PORT=8090 npm run demo".'
  process.stderr.write(`${isPortTaken ? hint : error.stack}\n`)
  process.exitCode = 1
})
