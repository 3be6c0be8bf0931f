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

const pictures = new Map<number, Buffer>()

const pictureOf = async (side: number): Promise<Buffer> => {
  const known = pictures.get(side)
  if (known) return known
  const drawn = await drawPhoto(side)
  pictures.set(side, drawn)
  return drawn
}

const handlers = {
  /** Bytes of the picture that is converted. */
  draw: async (side: number): Promise<number> => (await pictureOf(side)).length,
  convert: async (order: {
    readonly side: number
    readonly to: OutputFormat
    readonly atOnce: number
  }): Promise<Conversions> => {
    const { side, to, atOnce } = order
    const bytes = await pictureOf(side)
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
