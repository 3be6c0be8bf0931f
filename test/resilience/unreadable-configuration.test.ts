import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { GatewayProcess } from '#test/helpers/gateway-process.ts'
import { setUpResilience } from './resilience-setup.ts'

describe('a gateway whose configuration cannot be used', () => {
  const setup = setUpResilience()

  /** Starts one that ends; its words, as lines. */
  const complaints = async (environment: Record<string, string>): Promise<string[]> => {
    const { process } = await setup().begin({ LOG_LEVEL: 'error', ...environment })
    expect(await process.exit).toBe(1)
    return process.output.trimEnd().split('\n')
  }

  it('ends with status 1 and names every variable and path at once, without a secret', async () => {
    const { folder } = setup()
    const [empty, binary] = [join(folder, 'empty'), join(folder, 'binary')]
    await writeFile(empty, ' \n')
    await writeFile(binary, Buffer.alloc(2_000))
    const said = await complaints({
      FAL_KEY: '',
      FAL_KEY_FILE: join(folder, 'nowhere'),
      GEMINI_API_KEY: '',
      GEMINI_API_KEY_FILE: empty,
      REPLICATE_API_TOKEN: '',
      REPLICATE_API_TOKEN_FILE: folder,
      // The secret itself, where its path was meant.
      VERTEX_API_KEY: '',
      VERTEX_API_KEY_FILE: 'planted-secret',
      GATEWAY_ADMIN_KEY_FILE: binary,
      CONFIG_FILE: folder,
      REDIS_URL: 'redis://:planted-secret@host:99999',
      TIME_SCALE: 'fast',
    })
    expect(said).toEqual([
      'The configuration has 9 problem(s):',
      `- GATEWAY_ADMIN_KEY_FILE: ${binary} is not text`,
      '- TIME_SCALE must be number',
      `- GEMINI_API_KEY_FILE: ${empty} is empty`,
      '- VERTEX_API_KEY_FILE: its file does not exist',
      `- FAL_KEY_FILE: ${join(folder, 'nowhere')} does not exist`,
      `- REPLICATE_API_TOKEN_FILE: ${folder} is a folder`,
      expect.stringMatching(/^- No provider is configured/),
      `- CONFIG_FILE: ${folder} is a folder`,
      expect.stringMatching(/^- REDIS_URL has a host that cannot be read/),
    ])
  }, 60_000)

  it('tells what is wrong with its folders at once', async () => {
    const { folder } = setup()
    const [models, media] = [join(folder, 'models'), join(folder, 'media-file')]
    await mkdir(models)
    await writeFile(join(models, 'cut.json'), '{"card":')
    await writeFile(media, '')
    const file = join(folder, 'models.yaml')
    const nowhere = join(folder, 'no-models')
    await writeFile(file, JSON.stringify({ modelsDirs: [nowhere] }))
    expect(await complaints({ MODELS_DIR: models, CONFIG_FILE: file, MEDIA_DIR: media })).toEqual([
      'The configuration has 1 problem(s):',
      `- MEDIA_DIR ${media} cannot be used: EEXIST: file already exists, mkdir '${media}'`,
      'The catalogue has 2 problem(s):',
      `${join(models, 'cut.json')}: Unexpected end of JSON input`,
      `${nowhere}: cannot be read: no such file or directory (ENOENT)`,
    ])
  }, 60_000)

  it('tells which of its addresses are taken', async () => {
    const { folder, emulators } = setup()
    const first = await setup().start()
    const adminPort = Number(new URL(first.adminUrl).port)
    const process = new GatewayProcess(folder, {
      ...emulators.environment,
      LOG_LEVEL: 'error',
      PORT: String(first.port),
      ADMIN_PORT: String(adminPort),
    })
    expect(await process.exit).toBe(1)
    const line = (names: string, port: number) => [
      'The configuration has 1 problem(s):',
      `- ${names} ${port} cannot be listened on: listen EADDRINUSE: address already in use 127.0.0.1:${port}`,
    ]
    expect(process.output.trimEnd().split('\n')).toEqual([
      ...line('HOST 127.0.0.1 with PORT', first.port),
      ...line('ADMIN_HOST 127.0.0.1 with ADMIN_PORT', adminPort),
    ])
  }, 60_000)
})
