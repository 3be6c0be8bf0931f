import { access, constants } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import type { Logger } from 'pino'
import { type Config, ConfigError } from './config.ts'
import { systemClock } from './domain/clock.ts'
import { keepDiskMediaSecret, loadDiskMediaSecret } from './images/disk-media-secret.ts'
import { createDiskMediaStore } from './images/disk-media-store.ts'
import { isForeignFolder } from './images/foreign-folder.ts'
import { limitHandOuts } from './images/limit-hand-outs.ts'
import type { MediaStore } from './images/media-store.ts'
import { createMediaSigner, type MediaSigner } from './images/media-url.ts'
import type { S3BucketSettings } from './images/s3-client.ts'
import { readS3Failure } from './images/s3-failure.ts'
import type { OpenStore } from './open-bucket.ts'

/** How often expired images are removed, in milliseconds. */
const SWEEP_INTERVAL_MS = 60_000

/** The hosting of images, at work. */
export interface RunningMedia {
  /** For the gateway itself. */
  readonly store: MediaStore
  /**
   * The same images, for clients: however slowly these read, they do not keep the gateway from storing. No more at once
   * than `MAX_HAND_OUTS`.
   */
  readonly handOuts: MediaStore
  readonly signer: MediaSigner
  /** Ends the removal of expired images and the store's connections. */
  close(): void
}

/** A folder in a place that all users of the machine share may have been put there by one of them. */
const checkOwner = async (directory: string): Promise<void> => {
  if (!(await isForeignFolder(directory))) return
  throw new ConfigError([
    `MEDIA_DIR ${directory} belongs to another user of this machine: name a folder of your own.`,
  ])
}

/** Names the variable in what the system says of its folder. */
const ofFolder = async <T>(directory: string, step: () => Promise<T>): Promise<T> => {
  try {
    return await step()
  } catch (error) {
    if (error instanceof ConfigError || !(error instanceof Error)) throw error
    throw new ConfigError([`MEDIA_DIR ${directory} cannot be used: ${error.message}`])
  }
}

const openDisk = (directory: string): Promise<OpenStore> =>
  ofFolder(directory, async () => {
    const store = await createDiskMediaStore(directory)
    await access(directory, constants.W_OK)
    if (dirname(directory) === tmpdir()) await checkOwner(directory)
    return {
      store,
      handOuts: store,
      loadSecret: () => ofFolder(directory, () => loadDiskMediaSecret(directory)),
      keepSecret: (secret) => keepDiskMediaSecret(directory, secret),
      close: () => undefined,
    }
  })

/** One sweep at a time: a slow store is not asked again before it has answered. */
const startSweeping = (
  store: MediaStore,
  keepSecret: () => Promise<void>,
  logger: Logger,
): NodeJS.Timeout => {
  let isSweeping = false
  const sweep = async (): Promise<void> => {
    if (isSweeping) return
    isSweeping = true
    // First what makes room for the other.
    for (const step of [() => store.sweep(systemClock.now()), keepSecret]) {
      await step().catch((error: unknown) =>
        logger.warn(readS3Failure(error), 'the store of hosted images could not be tidied'),
      )
    }
    isSweeping = false
  }
  return setInterval(() => void sweep(), SWEEP_INTERVAL_MS).unref()
}

/** Only who has a bucket loads what it takes to talk to one: that is a tenth of a start. */
const openS3 = async (settings: S3BucketSettings, logger: Logger): Promise<OpenStore> => {
  const { openBucket } = await import('./open-bucket.ts')
  return openBucket(settings, logger)
}

/** Opens the store that the configuration names. Rejects with `ConfigError` when its bucket cannot be used. */
export const startMedia = async (config: Config, logger: Logger): Promise<RunningMedia> => {
  const { mediaS3, mediaDir, mediaSigningKey } = config
  const opened = mediaS3 ? await openS3(mediaS3, logger) : await openDisk(mediaDir)
  try {
    const secret = mediaSigningKey ? Buffer.from(mediaSigningKey) : await opened.loadSecret()
    const keepSecret = async (): Promise<void> => {
      if (!mediaSigningKey) await opened.keepSecret?.(secret)
    }
    const sweeping = startSweeping(opened.store, keepSecret, logger)
    const close = (): void => {
      clearInterval(sweeping)
      opened.close()
    }
    const { store, handOuts } = opened
    return { store, handOuts: limitHandOuts(handOuts), signer: createMediaSigner(secret), close }
  } catch (error) {
    opened.close()
    throw error
  }
}
