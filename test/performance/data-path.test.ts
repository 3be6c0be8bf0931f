import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Target } from '#test/bench/load.ts'
import { readCpuMs } from '#test/bench/process-stats.ts'
import {
  editTarget,
  type GatewayWork,
  generationTarget,
  type Side,
  startFresnel,
  startPassThrough,
} from '#test/bench/sides.ts'
import { type Stage, withStage } from '#test/bench/stage.ts'
import { writeUploadForm } from '#test/bench/upload-form.ts'

/*
 * Guards how bytes pass, not how fast: what a gateway makes of JavaScript's memory for a picture of 1.5 MB over a tiny
 * one is the same on any machine, idle or busy. `npm run bench` says how fast.
 */

// Five processes are started, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const MB = 1_000_000

/** Of each, the first for whatever is loaded on first use. */
const [WARM_UP, COUNTED] = [12, 20]

const GEMINI_B64: GatewayWork = { provider: 'gemini', responseFormat: 'b64_json' }

/**
 * MB of JavaScript's heap that a picture of 1.5 MB may cost over a tiny one. Its base64 has 2 MB; each text that is made
 * of it costs as much.
 */
const LIMITS: readonly (readonly [string, GatewayWork, number])[] = [
  ['Gemini’s base64 as b64_json', GEMINI_B64, 4],
  ['Gemini’s base64 as a hosted file', { provider: 'gemini', responseFormat: 'url' }, 8.5],
  ['fal’s file as b64_json', { provider: 'fal', responseFormat: 'b64_json' }, 4],
]

/**
 * The same of buffers. Passing them on takes 1 to 3 MB, as the system hands over bytes in half-filled ones when it is
 * busy; answers that were joined, parsed and joined again took 12.
 */
const MOST_EXTERNAL_MB = 5

/** Bytes of buffers for each of an upload's: 1 is what came; joined to one buffer for each picture it was 2. */
const MOST_EXTERNAL_UPLOADED = 1.5

/** Processor time against a proxy that only passes bytes on: the goal is 1.6, 12 was when answers were parsed whole. */
const MOST_CPU_RATIO = 6
const CPU_ROUNDS = 3

let stage: Stage
let gateway: Side
let bare: Side
let clear: () => void

/** Keeps the stage until all tests are done. */
const build = (): Promise<void> =>
  new Promise((resolve, reject) => {
    withStage(['tiny', 'usual'], async (built) => {
      stage = built
      const { keep, upstreamPort } = built
      // fal's jobs are looked at after 25 ms instead of 500.
      gateway = await keep(startFresnel(upstreamPort, GEMINI_B64, { TIME_SCALE: '20' }))
      bare = await keep(startPassThrough(upstreamPort))
      await new Promise<void>((done) => {
        clear = done
        resolve()
      })
    }).catch(reject)
  })

beforeAll(build)
afterAll(() => clear())

const send = (target: Target, count: number) =>
  stage.load(target, { kind: 'count', inFlight: 4, count })

/** MB that each request made, freed or not. */
const madeFor = async (target: Target, size: 'tiny' | 'usual') => {
  await stage.upstream.call('set', { size, isHeld: false })
  await send(target, WARM_UP)
  await gateway.observe('startCounting', undefined)
  await send(target, COUNTED)
  const { heapBytes, externalBytes } = await gateway.observe('stopCounting', undefined)
  return { heapMb: heapBytes / COUNTED / MB, externalMb: externalBytes / COUNTED / MB }
}

const cpuMsOf = async ({ pid }: Side, work: () => Promise<unknown>): Promise<number> => {
  const beforeMs = await readCpuMs(pid)
  await work()
  return (await readCpuMs(pid)) - beforeMs
}

describe('a picture on its way through the gateway', () => {
  it.each(LIMITS)(
    '%s is moved in pieces, never made into one text',
    async (_, work, mostHeapMb) => {
      const target = generationTarget(gateway.target.origin, work)
      const tiny = await madeFor(target, 'tiny')
      const usual = await madeFor(target, 'usual')
      expect(usual.heapMb - tiny.heapMb).toBeLessThan(mostHeapMb)
      expect(usual.externalMb - tiny.externalMb).toBeLessThan(MOST_EXTERNAL_MB)
    },
  )

  it('is held once on its way to a provider, in the pieces in which it came', async () => {
    await stage.upstream.call('set', { size: 'tiny', isHeld: false })
    const folder = await mkdtemp(join(tmpdir(), 'fresnel-upload-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const form = await writeUploadForm(join(folder, 'form'), 3, 5 * MB)
    const target = editTarget(gateway, form.file, form.contentType)
    await send(target, WARM_UP)
    await gateway.observe('startCounting', undefined)
    await send(target, COUNTED)
    const { externalBytes } = await gateway.observe('stopCounting', undefined)
    expect(externalBytes / COUNTED / form.sizeBytes).toBeLessThan(MOST_EXTERNAL_UPLOADED)
  })

  it('costs no multiple of the processor time that moving its bytes takes', async () => {
    await stage.upstream.call('set', { size: 'usual', isHeld: false })
    await send(gateway.target, WARM_UP)
    await send(bare.target, 4 * WARM_UP)
    const ratios: number[] = []
    for (let round = 0; round < CPU_ROUNDS; round += 1) {
      const own = await cpuMsOf(gateway, () => send(gateway.target, COUNTED))
      const least = await cpuMsOf(bare, () => send(bare.target, 2 * COUNTED))
      ratios.push((own * 2) / least)
    }
    // Other programs can only make a round look worse.
    expect(Math.min(...ratios)).toBeLessThan(MOST_CPU_RATIO)
  })
})
