import { finished } from 'node:stream/promises'
import type { ImageFetcher } from './fetch-image.ts'

/** Runs an activity and takes the time of it. */
export type Measure = <T>(activity: () => Promise<T>) => Promise<T>

/** The same fetcher, each download measured from its start to its last byte. */
export const measureFetches = (fetcher: ImageFetcher, measure: Measure): ImageFetcher => ({
  ...fetcher,
  fetch: async (url, request) => {
    const fetched = await measure(() => fetcher.fetch(url, request))
    // Nobody waits for this one: whoever reads the stream sees its errors.
    void measure(() => finished(fetched.stream).catch(() => {}))
    return fetched
  },
})
