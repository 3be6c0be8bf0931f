import { link, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  keepDiskMediaSecret,
  loadDiskMediaSecret,
  SECRET_FILE,
} from '#src/images/disk-media-secret.ts'

vi.mock('node:fs/promises', async (readOriginal) => {
  const original = await readOriginal<typeof import('node:fs/promises')>()
  return { ...original, link: vi.fn(original.link), readFile: vi.fn(original.readFile) }
})

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fresnel-secret-'))
})
afterEach(async () => {
  vi.mocked(link).mockClear()
  await rm(directory, { recursive: true })
})

describe('a folder on a file system without hard links', () => {
  it.each(['EPERM', 'ENOTSUP', 'ENOSYS'])(
    'holds one signing key, though it answers %s',
    async (code) => {
      for (let each = 0; each < 4; each += 1) {
        vi.mocked(link).mockRejectedValueOnce(Object.assign(new Error('no links'), { code }))
      }
      const load = () => loadDiskMediaSecret(directory)
      const secrets = await Promise.all([load(), load(), load(), load()])
      const texts = [...secrets, await load()].map((secret) => secret.toString('hex'))
      expect([new Set(texts).size, texts[0]?.length]).toEqual([1, 64])
      expect(await readdir(directory)).toEqual([SECRET_FILE])
      vi.mocked(link).mockReset()
    },
  )

  it('has a key that another process is just writing there', async () => {
    vi.mocked(readFile).mockResolvedValueOnce(Buffer.alloc(0))
    await writeFile(join(directory, SECRET_FILE), Buffer.alloc(32, 7))
    expect(await loadDiskMediaSecret(directory)).toEqual(Buffer.alloc(32, 7))
  })
})

describe('a key that cleaners of temporary folders look for', () => {
  const place = () => join(directory, SECRET_FILE)

  it('is put back when they have removed it, with its folder or alone', async () => {
    const secret = await loadDiskMediaSecret(directory)
    await rm(place())
    await keepDiskMediaSecret(directory, secret)
    expect(await loadDiskMediaSecret(directory)).toEqual(secret)
    await rm(directory, { recursive: true })
    await keepDiskMediaSecret(directory, secret)
    expect(await loadDiskMediaSecret(directory)).toEqual(secret)
    expect(await readdir(directory)).toEqual([SECRET_FILE])
  })

  it('looks new, and is left as it is', async () => {
    const secret = await loadDiskMediaSecret(directory)
    await utimes(place(), 1_000, 1_000)
    await keepDiskMediaSecret(directory, Buffer.alloc(32))
    expect((await stat(place())).mtimeMs).toBeGreaterThan(1_000_000)
    expect(await loadDiskMediaSecret(directory)).toEqual(secret)
  })
})
