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
import { createS3Client, type S3BucketSettings } from './images/s3-client.ts'
import { describeS3Failure, readS3Failure, type S3Failure } from './images/s3-failure.ts'
import { loadS3MediaSecret } from './images/s3-media-secret.ts'
import { createS3MediaStore } from './images/s3-media-store.ts'

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

interface OpenStore {
  readonly store: MediaStore
  /** For clients, not limited yet. */
  readonly handOuts: MediaStore
  /** The key that lies beside the images; not asked for when the operator gives one. */
  loadSecret(): Promise<Buffer>
  /** Puts that key back when something has removed it. Absent: nothing removes it. */
  keepSecret?(secret: Buffer): Promise<void>
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

const openBucket = (settings: S3BucketSettings, logger: Logger): OpenStore => {
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

/** Opens the store that the configuration names. Rejects with `ConfigError` when its bucket cannot be used. */
export const startMedia = async (config: Config, logger: Logger): Promise<RunningMedia> => {
  const { mediaS3, mediaDir, mediaSigningKey } = config
  const opened = mediaS3 ? openBucket(mediaS3, logger) : await openDisk(mediaDir)
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
