import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Emulators } from '#test/emulators/emulator.ts'
import { startEmulators } from '#test/emulators/start-emulators.ts'
import {
  buildByHand,
  canMakeContainers,
  containerReason,
  type ImageByHand,
  readStage,
} from '#test/helpers/image-by-hand.ts'
import { FIRST_MODEL } from '#test/helpers/models.ts'
import { freePort } from '#test/helpers/redis-server.ts'
import { GENERATIONS, TEST_KEY } from '#test/helpers/start-test-gateway.ts'

describe.skipIf(!canMakeContainers)(
  `the image, its steps done by hand, in a container without rights${containerReason}`,
  () => {
    const stage = readStage('gateway')
    let image: ImageByHand
    let emulators: Emulators

    beforeAll(async () => {
      emulators = await startEmulators({ timeScale: 100 })
      image = await buildByHand(stage)
    }, 180_000)
    afterAll(async () => {
      await image?.remove()
      await emulators?.close()
    })

    const LIMIT = { timeout: 30_000 }

    it('starts, is healthy, makes, converts and hosts an image, and ends on SIGTERM as process 1', async () => {
      const PORT = String(await freePort())
      const environment = {
        ...stage.environment,
        ...emulators.environment,
        PORT,
        ADMIN_PORT: String(await freePort()),
        GATEWAY_API_KEYS: TEST_KEY,
      }
      const gateway = image.start(stage.command, environment)
      await expect.poll(() => gateway.output(), LIMIT).toContain('"msg":"listening"')
      expect(await image.start(stage.healthCheck, environment).exit).toBe(0)

      const answer = await fetch(`http://127.0.0.1:${PORT}${GENERATIONS}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` },
        body: JSON.stringify({ model: FIRST_MODEL, prompt: 'a lighthouse', output_format: 'webp' }),
      })
      const { data } = (await answer.json()) as { data: { url: string }[] }
      const hosted = await fetch(data[0]?.url ?? '')
      expect([hosted.status, hosted.headers.get('content-type')]).toEqual([200, 'image/webp'])

      await gateway.signal('SIGTERM')
      expect(await gateway.exit).toBe(0)
      expect(gateway.output()).toContain('"msg":"draining"')
      expect(gateway.output()).not.toMatch(/"level":"(warn|error|fatal)"/)
      expect(await image.start(stage.healthCheck, environment).exit).toBe(1)
    }, 90_000)

    it('can write nowhere but to its data and to /tmp', async () => {
      const write = (path: string) => `require('node:fs').writeFileSync('${path}', 'x')`
      const attempt = (path: string) =>
        image.start(['node', '-e', write(path)], stage.environment).exit
      const paths = ['/app/x', '/x', '/etc/x', '/usr/x', '/data/x', '/tmp/x']
      expect(await Promise.all(paths.map(attempt))).toEqual([1, 1, 1, 1, 0, 0])
    }, 60_000)
  },
)
