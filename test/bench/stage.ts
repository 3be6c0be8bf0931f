import { type Helper, startHelper } from './child-calls.ts'
import type { LoadHandlers, LoadResult, Rhythm, Target } from './load.ts'
import type { PictureSize } from './noise-picture.ts'
import type { Side } from './sides.ts'
import type { UpstreamHandlers } from './upstream.ts'

/** An upstream and a load generator, each in a process of its own, and the sides between them. */
export interface Stage {
  readonly upstream: Helper<UpstreamHandlers>
  readonly upstreamPort: number
  /** Resolves with what the answers took; rejects when one was no 200. */
  load(target: Target, rhythm: Rhythm): Promise<LoadResult>
  /** The same, but refusals are in the result. */
  loadPatiently(target: Target, rhythm: Rhythm): Promise<LoadResult>
  /** Has a side ended with the stage, at the latest. */
  keep<Kept extends Side>(side: Promise<Kept>): Promise<Kept>
}

const requireAnswers = (result: LoadResult): LoadResult => {
  const [reason] = Object.keys(result.refused)
  if (reason !== undefined) throw new Error(`A request was not answered: ${reason}`)
  return result
}

/** Builds a stage whose upstream answers with these sizes, works on it, and clears it away. */
export const withStage = async <T>(
  sizes: readonly PictureSize[],
  work: (stage: Stage) => Promise<T>,
): Promise<T> => {
  const upstream = startHelper<UpstreamHandlers>('upstream.ts')
  const load = startHelper<LoadHandlers>('load.ts')
  const kept: Side[] = []
  try {
    const upstreamPort = await upstream.call('start', sizes)
    const loadPatiently: Stage['load'] = (target, rhythm) => load.call('run', { target, rhythm })
    return await work({
      upstream,
      upstreamPort,
      load: async (target, rhythm) => requireAnswers(await loadPatiently(target, rhythm)),
      loadPatiently,
      keep: async (starting) => {
        const side = await starting
        kept.push(side)
        return side
      },
    })
  } finally {
    await Promise.all(kept.map((side) => side.stop()))
    await Promise.all([load.stop(), upstream.stop()])
  }
}
