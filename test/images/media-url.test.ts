import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadDiskMediaSecret } from '#src/images/disk-media-secret.ts'
import { createMediaSigner } from '#src/images/media-url.ts'

const signer = createMediaSigner(Buffer.alloc(32, 1))
const file = fc.stringMatching(/^[a-z0-9]{1,40}\.png$/)
const second = fc.integer({ min: 1, max: 4_000_000_000 })

/** The parts of a signed path, as a server reads them from its URL. */
const partsOf = (path: string) => {
  const url = new URL(path, 'http://gateway')
  const { expires = '', signature = '' } = Object.fromEntries(url.searchParams)
  return { file: url.pathname.replace('/v1/media/', ''), expires, signature }
}

describe('createMediaSigner', () => {
  it('signs a path of the published form', () => {
    expect(signer.sign('a.png', 1_771_234_567_890)).toMatch(
      /^\/v1\/media\/a\.png\?expires=1771234567&signature=[A-Za-z0-9_-]{43}$/,
    )
  })

  it('takes its own URLs until their second and not after', () => {
    fc.assert(
      fc.property(file, second, (name, expires) => {
        const parts = partsOf(signer.sign(name, expires * 1000))
        expect(parts.file).toBe(name)
        const at = (nowMs: number) => signer.verify(name, parts.expires, parts.signature, nowMs)
        expect([at(expires * 1000 - 1), at(expires * 1000)]).toEqual(['valid', 'expired'])
      }),
    )
  })

  it('takes no URL with any part changed', () => {
    fc.assert(
      fc.property(file, file, second, second, fc.nat(42), (name, other, expires, later, index) => {
        fc.pre(name !== other && expires !== later)
        const { signature } = partsOf(signer.sign(name, expires * 1000))
        const changed = signature[index] === 'A' ? 'B' : 'A'
        const flipped = signature.slice(0, index) + changed + signature.slice(index + 1)
        const verdicts = [
          signer.verify(other, String(expires), signature, 0),
          signer.verify(name, String(later), signature, 0),
          signer.verify(name, `${expires} `, signature, 0),
          signer.verify(name, String(expires), flipped, 0),
          signer.verify(name, String(expires), signature.slice(0, -1), 0),
          signer.verify(name, String(expires), `${signature}=`, 0),
          signer.verify(name, String(expires), '', 0),
        ]
        expect(new Set(verdicts)).toEqual(new Set(['forged']))
      }),
    )
  })

  it('takes no URL of another key', () => {
    const { expires, signature } = partsOf(
      createMediaSigner(Buffer.alloc(32, 2)).sign('a.png', 9e12),
    )
    expect(signer.verify('a.png', expires, signature, 0)).toBe('forged')
  })
})

describe('loadDiskMediaSecret', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fresnel-secret-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  it('gives every process on the folder the same key, also when they start at once', async () => {
    const inner = join(directory, 'media')
    const secrets = await Promise.all(Array.from({ length: 8 }, () => loadDiskMediaSecret(inner)))
    const again = await loadDiskMediaSecret(inner)
    expect(new Set([...secrets, again].map(String)).size).toBe(1)
    expect(again).toEqual(await readFile(join(inner, '.signing-key')))
    expect(await readdir(inner)).toEqual(['.signing-key'])
  })

  it('makes the key readable by its owner only, and another one for another folder', async () => {
    const one = await loadDiskMediaSecret(join(directory, 'one'))
    const two = await loadDiskMediaSecret(join(directory, 'two'))
    expect(one).toHaveLength(32)
    expect(one.equals(two)).toBe(false)
    expect((await stat(join(directory, 'one', '.signing-key'))).mode & 0o777).toBe(0o600)
  })

  it('refuses a file that is no key', async () => {
    await writeFile(join(directory, '.signing-key'), 'short')
    await expect(loadDiskMediaSecret(directory)).rejects.toThrow('must hold 32 bytes but has 5')
  })
})
