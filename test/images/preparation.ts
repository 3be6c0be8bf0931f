import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { sameBytes, takeWhole } from '#src/bytes/held-bytes.ts'
import type { PreparedImage, WantedImages } from '#src/domain/image-result.ts'
import type { ProviderImage } from '#src/domain/provider-adapter.ts'
import { createDiskMediaStore } from '#src/images/disk-media-store.ts'
import { createImageFetcher } from '#src/images/fetch-image.ts'
import type { MediaStore } from '#src/images/media-store.ts'
import { createMediaSigner } from '#src/images/media-url.ts'
import type { PreparationDependencies } from '#src/images/preparation-dependencies.ts'
import { prepareImages } from '#src/images/prepare-images.ts'
import { cutAt } from '#test/bytes/cut-at.ts'
import { type ImageServer, startImageServer } from './image-server.ts'

export const signer = createMediaSigner(Buffer.alloc(32, 1))

/** A store that remembers what it was given. */
export interface WatchedStore extends MediaStore {
  readonly puts: ('stream' | 'bytes')[]
  readonly largestChunks: number[]
  readonly opened: string[]
  readonly removed: string[]
}

const watch = (store: MediaStore): WatchedStore => {
  const watched = { puts: [] as ('stream' | 'bytes')[], largestChunks: [] as number[] }
  const names = { opened: [] as string[], removed: [] as string[] }
  return {
    ...store,
    ...watched,
    ...names,
    put: (source, options) => {
      watched.puts.push(source instanceof Uint8Array ? 'bytes' : 'stream')
      if (source instanceof Uint8Array) return store.put(source, options)
      const index = watched.largestChunks.push(0) - 1
      const counted = async function* () {
        for await (const chunk of source) {
          const largest = watched.largestChunks[index] ?? 0
          watched.largestChunks[index] = Math.max(largest, chunk.length)
          yield chunk
        }
      }
      return store.put(counted(), options)
    },
    open: (file) => {
      names.opened.push(file)
      return store.open(file)
    },
    remove: (file) => {
      names.removed.push(file)
      return store.remove(file)
    },
  }
}

type Answer = (request: IncomingMessage, response: ServerResponse, index: number) => void

/** Everything that preparing images needs, on a real disk and a real file host. Its time is second 1000. */
export interface Preparation {
  readonly store: WatchedStore
  readonly server: ImageServer
  /** Aborts what is being prepared. */
  readonly controller: AbortController
  /** A test may replace parts. */
  dependencies: PreparationDependencies
  /** What the file host answers. */
  answer: Answer
  /** The image as a URL on the file host. */
  asUrl(path?: string): ProviderImage
  /** The same bytes in every way a provider may hand them over; the file host then serves them. */
  ways(bytes: Buffer): readonly ProviderImage[]
  prepare(images: readonly ProviderImage[], wanted: WantedImages): Promise<PreparedImage[]>
  prepareOne(image: ProviderImage, wanted: WantedImages): Promise<PreparedImage>
  /** The bytes of a prepared image, wherever they are. */
  bytesOf(image: PreparedImage): Promise<Buffer>
  close(): Promise<void>
}

const bytesIn = async (store: MediaStore, { content }: PreparedImage): Promise<Buffer> => {
  if (content.kind === 'held') return takeWhole(sameBytes(content.bytes))
  const file = /^\/v1\/media\/([^?]+)\?expires=4600&signature=/.exec(content.path)?.[1] ?? ''
  const opened = await store.open(file)
  if (!opened) throw new Error(`Not stored: ${content.path}`)
  return buffer(opened.stream)
}

const dependenciesOf = (
  store: MediaStore,
  port: number,
  signal: AbortSignal,
): PreparationDependencies => ({
  fetcher: createImageFetcher({
    allowedHosts: [`127.0.0.1:${port}`],
    maxBytes: 5_000_000,
    timeoutMs: 5000,
  }),
  store,
  signer,
  clock: { now: () => 1_000_000, monotonicMs: () => 0 },
  mediaTtlMs: 3_600_000,
  maxImageBytes: 4_000_000,
  signal,
  retryDelaysMs: [0, 0],
  onNotKept: (error) => {
    throw error
  },
})

export const createPreparation = async (): Promise<Preparation> => {
  const directory = await mkdtemp(join(tmpdir(), 'fresnel-prepare-'))
  const store = watch(await createDiskMediaStore(directory))
  const server = await startImageServer((...given) => preparation.answer(...given))
  const controller = new AbortController()
  const preparation: Preparation = {
    store,
    server,
    controller,
    dependencies: dependenciesOf(store, server.port, controller.signal),
    answer: (_, response) => response.writeHead(500).end(),
    asUrl: (path = '/a.png') => ({ kind: 'url', url: `${server.url}${path}` }),
    ways: (bytes) => {
      preparation.answer = (_, response) => response.end(bytes)
      const text = bytes.toString('base64')
      return [
        { kind: 'bytes', bytes: new Uint8Array(bytes) },
        { kind: 'base64', pieces: cutAt(Buffer.from(text), [1_000, 70_000]) },
        { kind: 'base64', pieces: [Buffer.from(text.replaceAll(/.{76}/g, '$&\r\n'))] },
        preparation.asUrl(),
      ]
    },
    prepare: (images, wanted) => prepareImages(images, wanted, preparation.dependencies),
    prepareOne: async (image, wanted) => {
      const [prepared, ...others] = await preparation.prepare([image], wanted)
      if (prepared === undefined || others.length > 0) throw new Error('Not exactly one image')
      return prepared
    },
    bytesOf: (image) => bytesIn(store, image),
    close: async () => {
      await preparation.dependencies.fetcher.close()
      await server.close()
      await rm(directory, { recursive: true })
    },
  }
  return preparation
}
