import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { OutputFormat } from '#src/domain/media.ts'
import { serveCalls } from './child-calls.ts'
import { drawPhoto } from './photo-picture.ts'

/* Converts pictures by the gateway's own code, in a process of its own: sharp's threads belong to it alone. */

const gatewayFolder = process.env['GATEWAY_FOLDER'] ?? ''
const { convertImage } = (await import(
  join(gatewayFolder, 'src/images/convert.ts')
)) as typeof import('#src/images/convert.ts')

const RESOLUTION_MS = 1

/** What one or several conversions took. */
export interface Conversions {
  /** Processor time of the whole process, in ms, for each picture. */
  readonly cpuMs: number
  /** Until the last was done. */
  readonly tookMs: number
  /** Of the last picture, in bytes. */
  readonly sizeBytes: number
  /** 99th percentile of how late the event loop was, in ms. */
  readonly delayP99Ms: number
}

const pictures = new Map<string, Buffer>()

/** As PNG, or made a JPEG of the usual quality. */
const pictureOf = async (side: number, from: 'png' | 'jpeg'): Promise<Buffer> => {
  const key = `${from} ${side}`
  const known = pictures.get(key)
  if (known) return known
  const drawn =
    from === 'png'
      ? await drawPhoto(side)
      : Buffer.from((await convertImage(await pictureOf(side, 'png'), { to: from })).bytes)
  pictures.set(key, drawn)
  return drawn
}

const handlers = {
  convert: async (order: {
    readonly side: number
    readonly from: 'png' | 'jpeg'
    readonly to: OutputFormat
    readonly atOnce: number
  }): Promise<Conversions> => {
    const { side, from, to, atOnce } = order
    const bytes = await pictureOf(side, from)
    const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    histogram.enable()
    const cpuBefore = process.cpuUsage()
    const beganMs = performance.now()
    const converted = await Promise.all(
      Array.from({ length: atOnce }, () => convertImage(bytes, { to })),
    )
    const tookMs = performance.now() - beganMs
    const { user, system } = process.cpuUsage(cpuBefore)
    histogram.disable()
    return {
      cpuMs: (user + system) / 1_000 / atOnce,
      tookMs,
      sizeBytes: converted.at(-1)?.bytes.length ?? 0,
      delayP99Ms: Math.max(0, histogram.percentile(99) / 1e6 - RESOLUTION_MS),
    }
  },
}

export type TranscoderHandlers = typeof handlers

serveCalls(handlers)
