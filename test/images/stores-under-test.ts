import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { S3Client } from '@aws-sdk/client-s3'
import { createDiskMediaStore } from '#src/images/disk-media-store.ts'
import type { MediaStore } from '#src/images/media-store.ts'
import { createS3Client, type S3BucketSettings } from '#src/images/s3-client.ts'
import type { S3Failure } from '#src/images/s3-failure.ts'
import { createS3MediaStore } from '#src/images/s3-media-store.ts'
import {
  type S3Emulator,
  type S3EmulatorOptions,
  startS3Emulator,
} from '#test/emulators/s3/s3-emulator.ts'

/** A store, and what can be seen of it from outside. */
export interface StoreUnderTest {
  readonly store: MediaStore
  /** Names of all that lies where images lie, in the order of the alphabet; unfinished writes too. */
  names(): Promise<string[]>
  /** The same store as another process opens it. */
  reopen(): Promise<MediaStore>
  close(): Promise<void>
}

export const openDiskStore = async (): Promise<StoreUnderTest & { readonly directory: string }> => {
  const root = await mkdtemp(join(tmpdir(), 'fresnel-media-'))
  const directory = join(root, 'media')
  return {
    directory,
    store: await createDiskMediaStore(directory),
    names: async () => (await readdir(directory)).toSorted(),
    reopen: () => createDiskMediaStore(directory),
    close: () => rm(root, { recursive: true }),
  }
}

export interface S3StoreUnderTest extends StoreUnderTest {
  readonly emulator: S3Emulator
  readonly client: S3Client
  readonly settings: S3BucketSettings
  /** What the operator was told. */
  readonly failures: S3Failure[]
}

/** Settings of the emulator's bucket, in a folder of it. */
export const settingsOf = ({ environment }: S3Emulator): S3BucketSettings => ({
  bucket: environment['MEDIA_S3_BUCKET'] ?? '',
  region: environment['MEDIA_S3_REGION'] ?? '',
  endpoint: environment['MEDIA_S3_ENDPOINT'] ?? '',
  prefix: 'some/folder/',
  credentials: {
    accessKeyId: environment['MEDIA_S3_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: environment['MEDIA_S3_SECRET_ACCESS_KEY'] ?? '',
  },
  isPathStyle: true,
  delivery: 'proxy',
})

export interface S3StoreOptions {
  readonly settings?: Partial<S3BucketSettings>
  readonly emulator?: S3EmulatorOptions
}

/** Its clock stands at 0. */
export const openS3Store = async (options: S3StoreOptions = {}): Promise<S3StoreUnderTest> => {
  const emulator = await startS3Emulator(options.emulator)
  const settings = { ...settingsOf(emulator), ...options.settings }
  const client = createS3Client(settings)
  const failures: S3Failure[] = []
  const clock = { now: () => 0, monotonicMs: () => 0 }
  const open = () =>
    createS3MediaStore({
      client,
      settings,
      clock,
      onFailure: (failure) => failures.push(failure),
    })
  const { objects, uploads } = emulator.bucket
  return {
    emulator,
    client,
    settings,
    failures,
    store: open(),
    names: async () =>
      [...objects.keys(), ...[...uploads.values()].map(({ key }) => `${key} (unfinished)`)]
        .map((key) => key.replace(settings.prefix, ''))
        .toSorted(),
    reopen: async () => open(),
    close: async () => {
      client.destroy()
      await emulator.close()
    },
  }
}
