import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { providerModules } from '#providers/provider-modules.ts'
import { ConfigError, readConfig } from '#src/config.ts'
import { MAX_HAND_OUTS } from '#src/images/limit-hand-outs.ts'
import { type RunningMedia, startMedia } from '#src/start-media.ts'
import { createLogger } from '#src/telemetry/logger.ts'
import { type S3Emulator, startS3Emulator } from '#test/emulators/s3/s3-emulator.ts'

let s3: S3Emulator
let directory: string
let running: RunningMedia[]
beforeEach(async () => {
  s3 = await startS3Emulator()
  directory = await mkdtemp(join(tmpdir(), 'fresnel-start-media-'))
  running = []
})
afterEach(async () => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  for (const media of running) media.close()
  await s3.close()
  await rm(directory, { recursive: true })
})

const start = async (environment: Readonly<Record<string, string>>) => {
  const config = readConfig({ FAL_KEY: 'k', MEDIA_DIR: directory, ...environment }, providerModules)
  const media = await startMedia(config, createLogger('silent'))
  running.push(media)
  return media
}

const names = {
  folder: () => readdir(directory),
  bucket: async () => [...s3.bucket.objects.keys()],
}

describe.each(['folder', 'bucket'] as const)('hosting in a %s', (kind) => {
  const environment = () => (kind === 'bucket' ? s3.environment : {})

  it('keeps its signing key beside the images, for the next start', async () => {
    const [one, other] = [await start(environment()), await start(environment())]
    expect(other.signer.sign('a.png', 9e12)).toBe(one.signer.sign('a.png', 9e12))
    expect(await names[kind]()).toEqual(['.signing-key'])
  })

  it('signs with the key that the operator gives, and then keeps none', async () => {
    const key = { MEDIA_SIGNING_KEY: 'x'.repeat(32) }
    const media = await start({ ...environment(), ...key })
    const other = await start(key)
    expect(media.signer.sign('a.png', 9e12)).toBe(other.signer.sign('a.png', 9e12))
    expect(await names[kind]()).toEqual([])
  })

  it('removes what has expired each minute', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] })
    const { store } = await start(environment())
    const put = async (lifeMs: number) => {
      const expiresAtMs = Date.now() + lifeMs
      return (await store.put(Buffer.from('a'), { format: 'png', expiresAtMs })).file
    }
    const files = [await put(58_000), await put(62_000)]
    vi.advanceTimersByTime(60_000)
    await expect.poll(names[kind]).toEqual(['.signing-key', files[1]])
  })
})

describe('a folder', () => {
  it('is given its signing key again when something has removed it', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const one = await start({})
    await rm(directory, { recursive: true })
    vi.advanceTimersByTime(60_000)
    await expect.poll(() => readdir(directory).catch(() => [])).toEqual(['.signing-key'])
    const other = await start({})
    expect(other.signer.sign('a.png', 9e12)).toBe(one.signer.sign('a.png', 9e12))
  })

  it.each([
    ['is a file', async (path: string) => writeFile(path, ''), 'EEXIST'],
    [
      'has a key of another length',
      async (path: string) => {
        await mkdir(path)
        await writeFile(join(path, '.signing-key'), 'short')
      },
      'must hold 32 bytes but has 5',
    ],
  ])('that %s ends the start with the name of its variable', async (_, make, reason) => {
    const path = join(directory, 'media')
    await make(path)
    const error = await start({ MEDIA_DIR: path }).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(ConfigError)
    expect(error.message).toContain(`MEDIA_DIR ${path} cannot be used: `)
    expect(error.message).toContain(reason)
  })
})

describe('readers of a folder who do not read', () => {
  it('are no more than there may be, and keep the gateway from nothing', async () => {
    const { store, handOuts } = await start({})
    const image = { format: 'png', expiresAtMs: Date.now() + 60_000 } as const
    const { file } = await store.put(Buffer.from('a'), image)
    const opening = Array.from({ length: MAX_HAND_OUTS }, () => handOuts.open(file))
    await expect(handOuts.open(file)).rejects.toMatchObject({ code: 'OVERLOADED', status: 503 })
    const own = await store.open(file)
    for (const media of [own, ...(await Promise.all(opening))]) media?.stream.destroy()
    const next = await vi.waitFor(() => handOuts.open(file))
    next?.stream.destroy()
  })
})

describe('a folder of another user', () => {
  it('is not used in the temporary folder that all users share', async () => {
    vi.spyOn(process, 'getuid').mockReturnValue(4_711)
    const problem = `MEDIA_DIR ${directory} belongs to another user of this machine`
    await expect(start({})).rejects.toThrow(problem)
    await expect(start({})).rejects.toThrow(ConfigError)
  })

  it('is used where an operator has put it', async () => {
    vi.spyOn(process, 'getuid').mockReturnValue(4_711)
    await start({ MEDIA_DIR: join(directory, 'volume') })
  })
})

describe('readers of a bucket who do not read', () => {
  it('do not keep images from being stored, nor are there more of them than there may be', async () => {
    const media = await start(s3.environment)
    const image = { format: 'png', expiresAtMs: Date.now() + 60_000 } as const
    const { file } = await media.store.put(Buffer.from('a'), image)
    s3.spoil('GetObject', { always: 'hang' })
    s3.spoil('HeadObject', { always: 'hang' })
    const refused: string[] = []
    for (let reader = 0; reader < 300; reader += 1) {
      media.handOuts.open(file).catch(({ code }) => refused.push(code))
    }
    for (let look = 0; look < 100; look += 1) media.handOuts.describe(file).catch(() => undefined)
    expect((await media.store.put(Buffer.from('b'), image)).sizeBytes).toBe(1)
    expect(refused).toEqual(Array.from({ length: 300 - MAX_HAND_OUTS }, () => 'OVERLOADED'))
  })
})

describe('a bucket that cannot be used', () => {
  const problemOf = async (environment: Record<string, string> = {}) => {
    const error = await start({ ...s3.environment, ...environment }).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(ConfigError)
    return String(error.message)
  }

  it('ends the start with its reason', async () => {
    expect(await problemOf({ MEDIA_S3_BUCKET: 'none' })).toContain(
      'MEDIA_S3_BUCKET cannot be used: its bucket does not exist (NoSuchBucket)',
    )
    expect(await problemOf({ MEDIA_S3_SECRET_ACCESS_KEY: 'none' })).toContain(
      'its bucket does not accept its secret key (SignatureDoesNotMatch)',
    )
  })
})
