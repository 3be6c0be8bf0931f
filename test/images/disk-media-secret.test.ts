import { link, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { loadDiskMediaSecret, SECRET_FILE } from '#src/images/disk-media-secret.ts'

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
