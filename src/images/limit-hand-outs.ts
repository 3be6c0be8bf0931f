import { GatewayError } from '#src/domain/errors.ts'
import type { MediaStore, OpenedMedia } from './media-store.ts'

const tooMany = (): GatewayError =>
  new GatewayError('OVERLOADED', 'Too many images are being handed out now.')

/**
 * The same store with so many images open at once at most: whoever reads them may take as long as he likes. `open`
 * rejects with `OVERLOADED` beyond it.
 */
export const limitHandOuts = (store: MediaStore, most: number): MediaStore => {
  let open = 0
  const leave = (): void => {
    open -= 1
  }
  /** Counts until the image has been read, or given up. */
  const counted = async (opening: Promise<OpenedMedia | undefined>) => {
    open += 1
    try {
      const media = await opening
      if (media) media.stream.once('close', leave)
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
