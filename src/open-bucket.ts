import type { Logger } from 'pino'
import { ConfigError } from './config.ts'
import { systemClock } from './domain/clock.ts'
import type { MediaStore } from './images/media-store.ts'
import { createS3Client, type S3BucketSettings } from './images/s3-client.ts'
import { describeS3Failure, readS3Failure, type S3Failure } from './images/s3-failure.ts'
import { loadS3MediaSecret } from './images/s3-media-secret.ts'
import { createS3MediaStore } from './images/s3-media-store.ts'

/** A place for hosted images, opened. */
export interface OpenStore {
  readonly store: MediaStore
  /** For clients, not limited yet. */
  readonly handOuts: MediaStore
  /** The key that lies beside the images; not asked for when the operator gives one. */
  loadSecret(): Promise<Buffer>
  /** Puts that key back when something has removed it. Absent: nothing removes it. */
  keepSecret?(secret: Buffer): Promise<void>
  close(): void
}

/** Opens a bucket with two clients, so that slow readers keep no image from being stored. */
export const openBucket = (settings: S3BucketSettings, logger: Logger): OpenStore => {
  const [client, readers] = [createS3Client(settings), createS3Client(settings)]
  const onFailure = (failure: S3Failure): void =>
    logger.warn(failure, 'the bucket of hosted images failed')
  const common = { settings, clock: systemClock, onFailure }
  return {
    store: createS3MediaStore({ client, ...common }),
    handOuts: createS3MediaStore({ client: readers, ...common }),
    loadSecret: async () => {
      try {
        return await loadS3MediaSecret(client, settings)
      } catch (error) {
        const failure = readS3Failure(error)
        // A key of the wrong length is told as it is; the rest is the bucket's.
        if (failure.code === 'Error' && error instanceof Error) throw error
        const text = `MEDIA_S3_BUCKET cannot be used: ${describeS3Failure(failure)} (${failure.code})`
        throw new ConfigError([text])
      }
    },
    close: () => {
      for (const each of [client, readers]) each.destroy()
    },
  }
}
