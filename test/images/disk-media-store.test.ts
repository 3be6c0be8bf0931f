import { mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { GatewayError } from '#src/domain/errors.ts'
import { createDiskMediaStore, toStorageError } from '#src/images/disk-media-store.ts'
import { createMediaFileName, type MediaStore, readMediaFileName } from '#src/images/media-store.ts'

const options = { format: 'png', expiresAtMs: 60_000 } as const
const systemError = (code: string) => Object.assign(new Error('/secret/path'), { code })

let directory: string
let store: MediaStore
beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'fresnel-media-')), 'media')
  store = await createDiskMediaStore(directory)
})
afterEach(() => rm(join(directory, '..'), { recursive: true }))

describe('media file names', () => {
  it('carry expiry and format, and differ each time', () => {
    const name = createMediaFileName({ format: 'jpeg', expiresAtMs: 1_500 })
    expect(name).toMatch(/^2-[0-9a-f]{32}\.jpeg$/)
    expect(readMediaFileName(name)).toEqual({ format: 'jpeg', expiresAtMs: 2_000 })
    expect(createMediaFileName(options)).not.toBe(createMediaFileName(options))
  })

  it('leave no room for paths or other files', () => {
    const id = '0'.repeat(32)
    const bad = [
      '',
      '.',
      '..',
      '.signing-key',
      `../60-${id}.png`,
      `60-${id}.png/..`,
      `60-${id}.svg`,
    ]
    const odd = [
      `60-${id}.png\0`,
      `60-${id}.png\n`,
      `60-${id}`,
      `60-${id.slice(1)}.png`,
      `-${id}.png`,
    ]
    expect([...bad, ...odd].filter((name) => readMediaFileName(name))).toEqual([])
  })
})

describe('put', () => {
  it('keeps bytes and streams, and gives them back with size and type', async () => {
    const fromBytes = await store.put(Buffer.from('abc'), options)
    const parts = [Buffer.from('ab'), Buffer.from('cd')]
    const fromStream = await store.put(Readable.from(parts), { ...options, format: 'webp' })
    expect([fromBytes.sizeBytes, fromStream.sizeBytes]).toEqual([3, 4])
    const opened = await store.open(fromStream.file)
    expect(opened).toMatchObject({ sizeBytes: 4, mediaType: 'image/webp' })
    expect(String(opened && (await buffer(opened.stream)))).toBe('abcd')
  })

  it('keeps folder and files to their owner', async () => {
    const { file } = await store.put(Buffer.from('abc'), options)
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
    expect((await stat(join(directory, file))).mode & 0o777).toBe(0o600)
  })

  it('gives no name to a file before it is whole', async () => {
    const seen: string[][] = []
    const source = async function* () {
      yield Buffer.alloc(300_000)
      seen.push((await readdir(directory)).filter((name) => readMediaFileName(name)))
      yield Buffer.alloc(300_000)
    }
    const { file } = await store.put(source(), options)
    expect(seen).toEqual([[]])
    expect(await readdir(directory)).toEqual([file])
  })

  it('leaves nothing behind when its source fails, and rejects with its error', async () => {
    const source = async function* () {
      yield Buffer.from('half')
      throw new Error('connection lost')
    }
    await expect(store.put(source(), options)).rejects.toThrow('connection lost')
    expect(await readdir(directory)).toEqual([])
  })

  it('makes its folder anew when something has removed it', async () => {
    await rm(directory, { recursive: true })
    const { file } = await store.put(Buffer.from('abc'), options)
    expect(await readdir(directory)).toEqual([file])
  })
})

describe('toStorageError', () => {
  it('says what is wrong with the disk, without its path', () => {
    const error = toStorageError(systemError('ENOSPC'))
    expect(error).toBeInstanceOf(GatewayError)
    expect(error).toMatchObject({
      code: 'INTERNAL_ERROR',
      message: 'The gateway cannot store the image: no space is left in its media folder',
    })
  })

  it('leaves other errors as they are', () => {
    const error = systemError('EUNKNOWN')
    expect(toStorageError(error)).toBe(error)
  })
})

describe('open and remove', () => {
  it('know nothing of names that the store never gave', async () => {
    await writeFile(join(directory, 'plain.png'), 'x')
    await writeFile(join(directory, '..', 'outside.png'), 'x')
    const names = ['plain.png', '../outside.png', '.signing-key', '', createMediaFileName(options)]
    for (const name of names) {
      expect(await store.open(name)).toBeUndefined()
      await store.remove(name)
    }
    expect(await readdir(directory)).toEqual(['plain.png'])
    expect(await readdir(join(directory, '..'))).toEqual(['media', 'outside.png'])
  })

  it('do not follow a link out of the folder', async () => {
    const name = createMediaFileName(options)
    await symlink('/etc/hostname', join(directory, name))
    await expect(store.open(name)).rejects.toThrow('ELOOP')
  })

  it('remove a file for good', async () => {
    const { file } = await store.put(Buffer.from('abc'), options)
    await store.remove(file)
    expect(await store.open(file)).toBeUndefined()
  })
})

describe('sweep', () => {
  it('removes what has expired, also what an earlier process stored', async () => {
    const old = await store.put(Buffer.from('old'), options)
    const young = await store.put(Buffer.from('young'), { ...options, expiresAtMs: 60_001 })
    const restarted = await createDiskMediaStore(directory)
    expect(await restarted.sweep(59_999)).toBe(0)
    expect(await restarted.sweep(60_000)).toBe(1)
    expect(await store.open(old.file)).toBeUndefined()
    expect(await readdir(directory)).toEqual([young.file])
  })

  it('removes writes that died an hour ago, not those under way, and nothing else', async () => {
    const [stale, fresh] = [`.writing-${'a'.repeat(32)}`, `.writing-${'b'.repeat(32)}`]
    for (const name of [stale, fresh, '.signing-key', 'note.txt']) {
      await writeFile(join(directory, name), 'x')
      await utimes(join(directory, name), 1_000, name === fresh ? 5_000 : 1_000)
    }
    expect(await store.sweep(1_000_000 + 3_600_000)).toBe(1)
    expect((await readdir(directory)).toSorted()).toEqual(['.signing-key', fresh, 'note.txt'])
  })

  it('is not disturbed by another sweep at the same time', async () => {
    await Promise.all(Array.from({ length: 20 }, () => store.put(Buffer.from('x'), options)))
    const [one, other] = await Promise.all([store.sweep(60_000), store.sweep(60_000)])
    expect(one + other).toBe(20)
    expect(await readdir(directory)).toEqual([])
  })
})
