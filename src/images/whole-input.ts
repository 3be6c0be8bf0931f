import pLimit from 'p-limit'
import { wholeOf } from '#src/bytes/held-bytes.ts'
import type { InputBytes } from '#src/domain/image-request.ts'
import { PICTURES_AT_ONCE } from './sharp-library.ts'

/** Headers are read at once; what is decoded may wait for its turn for long. */
const LIMITS = { header: pLimit(PICTURES_AT_ONCE), decode: pLimit(PICTURES_AT_ONCE) }

/**
 * Does with a client's picture what libvips can do only with all of it in one piece. That is a second copy, so there are
 * few at a time: whatever waits for its turn has its pieces only.
 */
export const withWhole = <T>(
  purpose: keyof typeof LIMITS,
  bytes: InputBytes,
  use: (whole: Buffer) => Promise<T>,
): Promise<T> => LIMITS[purpose](async () => use(await wholeOf(bytes)))
