import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { setUpResilience } from './resilience-setup.ts'

const mount = (folder: string, ...options: string[]) =>
  execFileSync('mount', ['-t', 'tmpfs', '-o', options.join(','), 'tmpfs', folder], {
    stdio: 'pipe',
  })
const unmount = (folder: string) => execFileSync('umount', ['--lazy', folder], { stdio: 'pipe' })

/** Why no small disk can be made here; empty: one can. */
const reason = (() => {
  const folder = join(tmpdir(), `fresnel-mount-${process.pid}`)
  mkdirSync(folder)
  try {
    mount(folder, 'size=1m')
    unmount(folder)
    return ''
  } catch {
    return ' (not run: this user may not mount)'
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})()

const IMAGE_BYTES = 400_000
const FAL = { provider: { only: ['fal'] } }

describe.skipIf(reason !== '')(`a small disk of hosted images${reason}`, () => {
  const setup = setUpResilience()
  let disk: string
  beforeEach(async () => {
    disk = await mkdtemp(join(tmpdir(), 'fresnel-disk-'))
    mount(disk, 'size=2m')
    for (const id of ['fal', 'gemini'] as const) {
      setup().emulators[id].setScenario({ imageSizeBytes: IMAGE_BYTES })
    }
  })
  afterEach(async () => {
    unmount(disk)
    await rm(disk, { recursive: true, force: true })
  })
  const media = () => join(disk, 'media')
  const start = () => setup().start({ MEDIA_DIR: media() })
  const faults = (gateway: Awaited<ReturnType<typeof start>>) =>
    gateway.metric('fresnel_attempts_total', { outcome: 'gateway_fault' })
  const fill = () => writeFile(join(disk, 'other'), Buffer.alloc(4_000_000)).catch(() => undefined)

  it('that is full fails url answers clearly, pays nobody twice, and recovers by itself', async () => {
    const gateway = await start()
    const first = await gateway.ask(FAL)
    expect(first.status).toBe(200)
    await fill()
    setup().emulators.fal.clearCalls()
    const failed = await gateway.ask()
    expect([failed.status, failed.headers.get('x-should-retry'), failed.body.error]).toEqual([
      500,
      'false',
      {
        message: 'The gateway cannot store the image: no space is left in its media folder',
        type: 'server_error',
        param: null,
        code: 'INTERNAL_ERROR',
      },
    ])
    expect(setup().creates()).toBe(1)
    expect(await readdir(media())).toEqual([
      '.signing-key',
      new URL(first.body.data[0].url).pathname.split('/').at(-1),
    ])
    expect((await fetch(first.body.data[0].url)).status).toBe(200)
    const held = await gateway.ask({ response_format: 'b64_json' })
    expect(Buffer.from(held.body.data[0].b64_json, 'base64')).toHaveLength(IMAGE_BYTES)
    expect(await faults(gateway)).toBe(1)
    await rm(join(disk, 'other'))
    const again = await gateway.ask()
    expect((await fetch(again.body.data[0].url)).status).toBe(200)
    expect(await faults(gateway)).toBe(1)
  })

  it('that is full keeps the job of an Idempotency-Key, whose repeat fetches the image', async () => {
    const gateway = await start()
    await fill()
    const key = { 'idempotency-key': 'full' }
    const failed = await gateway.ask(FAL, key)
    expect([failed.status, failed.headers.get('x-should-retry')]).toEqual([500, 'true'])
    expect((await gateway.ask(FAL, key)).status).toBe(500)
    await rm(join(disk, 'other'))
    const repeat = await gateway.ask(FAL, key)
    expect([repeat.status, setup().creates()]).toEqual([200, 1])
    expect((await fetch(repeat.body.data[0].url)).status).toBe(200)
  })

  it('that becomes read-only fails url answers clearly, still serves its images, and recovers by itself', async () => {
    const gateway = await start()
    const first = await gateway.ask(FAL)
    mount(disk, 'remount', 'ro')
    const failed = await gateway.ask()
    expect([failed.status, failed.body.error.message]).toEqual([
      500,
      'The gateway cannot store the image: its media folder is read-only',
    ])
    expect(setup().creates()).toBe(2)
    expect((await fetch(first.body.data[0].url)).status).toBe(200)
    expect((await gateway.ask({ response_format: 'b64_json' })).status).toBe(200)
    expect(await faults(gateway)).toBe(1)
    mount(disk, 'remount', 'rw')
    expect((await gateway.ask()).status).toBe(200)
  })

  it('whose folder is removed is used again at once', async () => {
    const gateway = await start()
    const first = await gateway.ask(FAL)
    await rm(media(), { recursive: true })
    const lost = await fetch(first.body.data[0].url)
    expect(lost.status).toBe(404)
    const second = await gateway.ask(FAL)
    expect((await fetch(second.body.data[0].url)).status).toBe(200)
    expect(setup().creates()).toBe(2)
  })
})
