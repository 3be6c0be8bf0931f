import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { FIRST_MODEL, readAllModelFiles } from '#test/helpers/models.ts'
import { makePicture } from '#test/helpers/pictures.ts'
import {
  EDITS,
  GENERATIONS,
  resetEmulators,
  startTestGateway,
  type TestGateway,
} from '#test/helpers/start-test-gateway.ts'
import { type ImageServer, startImageServer } from '#test/images/image-server.ts'

describe('a key for some models', () => {
  let folder: string
  let gateway: TestGateway
  let host: ImageServer
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fresnel-key-models-'))
    const file = join(folder, 'fresnel.yaml')
    // One by its id, the other by a name that it is known by, too.
    await writeFile(file, `keys: [{ key: some, models: [${FIRST_MODEL}, flux-2] }, { key: all }]`)
    const picture = await makePicture('png')
    host = await startImageServer((_, response) => response.end(picture))
    gateway = await startTestGateway({
      environment: { CONFIG_FILE: file, OUTBOUND_ALLOW: `127.0.0.1:${host.port}` },
    })
  })
  beforeEach(() => resetEmulators(gateway))
  afterAll(async () => {
    await gateway.close()
    await host.close()
    await rm(folder, { recursive: true, force: true })
  })

  const some = { authorization: 'Bearer some' }
  const all = { authorization: 'Bearer all' }
  const listed = async (path: string, headers: Record<string, string>): Promise<string[]> =>
    (await gateway.get(path, headers)).body.data.map(({ id }: { id: string }) => id)
  const edit = (model: string, headers: Record<string, string>) =>
    gateway.post(EDITS, { model, prompt: 'at night', image: `${host.url}/picture.png` }, headers)

  it('is shown these and no others, of which there are many', async () => {
    const every = (await readAllModelFiles()).map(({ card }) => card.id).sort()
    expect(every.length).toBeGreaterThan(20)
    for (const path of ['/v1/models', '/openai/v1/models', '/v1/models?all=true']) {
      expect((await listed(path, some)).sort()).toEqual(['flux-2-dev', FIRST_MODEL])
      expect((await listed(path, all)).sort()).toEqual(every)
    }
  })

  it('asks for these by any of their names', async () => {
    for (const model of [FIRST_MODEL, 'nano-banana-2', `fal/${FIRST_MODEL}`, 'flux-2-dev']) {
      const body = { model, prompt: 'a lighthouse' }
      const { status } = await gateway.post(`${GENERATIONS}?dryRun=true`, body, some)
      expect([model, status]).toEqual([model, 200])
    }
  })

  it('has an edit of another refused before its picture is fetched', async () => {
    const before = host.requests.length
    for (const model of ['flux-2-max', 'replicate/flux-2-max', 'gpt-image-1.5']) {
      const { status, body } = await edit(model, some)
      expect([status, body.error.code, body.error.param]).toEqual([404, 'MODEL_NOT_FOUND', 'model'])
      expect(body.error.message).toContain(`Its models: ${FIRST_MODEL}, flux-2.`)
    }
    expect([host.requests.length - before, gateway.creates()]).toEqual([0, 0])
  })

  it('has an edit of its own made of a picture that is fetched, as a key for all has of any', async () => {
    const before = host.requests.length
    // Gemini answers with the picture itself, which no host has to be allowed for.
    expect((await edit(`gemini/${FIRST_MODEL}`, some)).status).toBe(200)
    expect((await edit('gemini/gemini-3-pro-image', all)).status).toBe(200)
    expect([host.requests.length - before, gateway.creates()]).toEqual([2, 2])
  })
})
