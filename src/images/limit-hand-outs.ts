import { GatewayError } from '#src/domain/errors.ts'
import type { MediaStore, OpenedMedia } from './media-store.ts'

/**
 * Images handed out at once: each holds a connection of the bucket or an open file, and what is on its way, for as long
 * as its reader likes. 1,500 readers of files who read nothing took 344 MB (Node 24, 2026-11), and each connection takes
 * 200 kB more of an answer since, so these take about 100.
 */
export const MAX_HAND_OUTS = 224

/**
 * How long one image may be on its way, in ms: who reads nothing is cut off sooner (`stalled-clients.ts`), but a byte a
 * minute would else keep its place from others. 50 MB at 700 kbit/s.
 */
const LONGEST_HAND_OUT_MS = 600_000

const tooMany = (): GatewayError =>
  new GatewayError('OVERLOADED', 'Too many images are being handed out now.')

/**
 * The same store with so many images open at once at most, and none for longer than ten minutes: whoever reads them
 * would else take as long as he likes. `open` rejects with `OVERLOADED` beyond it.
 */
export const limitHandOuts = (store: MediaStore, most = MAX_HAND_OUTS): MediaStore => {
  let open = 0
  const leave = (): void => {
    open -= 1
  }
  const watch = ({ stream }: OpenedMedia): void => {
    const timer = setTimeout(() => stream.destroy(), LONGEST_HAND_OUT_MS).unref()
    stream.once('close', () => {
      clearTimeout(timer)
      leave()
    })
  }
  /** Counts until the image has been read, or given up. */
  const counted = async (opening: Promise<OpenedMedia | undefined>) => {
    open += 1
    try {
      const media = await opening
      if (media) watch(media)
      else leave()
      return media
    } catch (error) {
      leave()
      throw error
    }
  }
  return {
    ...store,
    open: async (file, part) => {
      if (open >= most) throw tooMany()
      return counted(store.open(file, part))
    },
  }
}
