import { mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
    expect(name).toMatch(/^0000000002-[0-9a-f]{32}\.jpeg$/)
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
      `../0000000060-${id}.png`,
      `0000000060-${id}.png/..`,
      `0000000060-${id}.svg`,
    ]
    const odd = [
      `0000000060-${id}.png\0`,
      `0000000060-${id}.png\n`,
      `0000000060-${id}`,
      `0000000060-${id.slice(1)}.png`,
      `60-${id}.png`,
      `-${id}.png`,
    ]
    expect([...bad, ...odd].filter((name) => readMediaFileName(name))).toEqual([])
  })
})

describe('put', () => {
  it('keeps folder and files to their owner', async () => {
    const { file } = await store.put(Buffer.from('abc'), options)
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
    expect((await stat(join(directory, file))).mode & 0o777).toBe(0o600)
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
})

describe('sweep', () => {
  it('removes writes that died an hour ago, not those under way, and nothing else', async () => {
    const [stale, fresh] = [`.writing-${'a'.repeat(32)}`, `.writing-${'b'.repeat(32)}`]
    for (const name of [stale, fresh, '.signing-key', 'note.txt']) {
      await writeFile(join(directory, name), 'x')
      await utimes(join(directory, name), 1_000, name === fresh ? 5_000 : 1_000)
    }
    expect(await store.sweep(1_000_000 + 3_600_000)).toBe(1)
    expect((await readdir(directory)).toSorted()).toEqual(['.signing-key', fresh, 'note.txt'])
  })

  it('removes what it can when one file cannot be, and tells of that', async () => {
    const names = ['a', 'b', 'c'].map((letter) => `0000000001-${letter.repeat(32)}.png`)
    const [first = '', stubborn = '', last = ''] = names
    await mkdir(join(directory, stubborn))
    for (const name of [first, last]) await writeFile(join(directory, name), 'x')
    await expect(store.sweep(60_000)).rejects.toThrow(stubborn)
    expect(await readdir(directory)).toEqual([stubborn])
  })

  it('has nothing to remove where its folder is gone', async () => {
    await rm(directory, { recursive: true })
    expect(await store.sweep(60_000)).toBe(0)
  })
})
