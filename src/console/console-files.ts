import { Worker } from 'node:worker_threads'

/** A file of the console as it is sent. */
export interface ConsoleFile {
  /** Such as `text/javascript; charset=utf-8`. */
  readonly mediaType: string
  /** Strong, with its quotes: changes with the content. */
  readonly etag: string
  /** By `content-encoding`; `identity` is the file itself. */
  readonly bodies: Readonly<Record<'identity' | 'gzip' | 'br', Uint8Array>>
}

/** All files of the console. */
export interface ConsoleFiles {
  readonly page: ConsoleFile
  /** What the page loads, by path below its own, such as `views/models.ts`. */
  readonly byPath: ReadonlyMap<string, ConsoleFile>
  /** Source expressions of the scripts that stand in the page itself, for a Content-Security-Policy. */
  readonly scriptSources: readonly string[]
}

const prepare = async (): Promise<ConsoleFiles> => {
  const worker = new Worker(new URL('./prepare-console.ts', import.meta.url), {
    // Node calls its own stripping of types experimental. Whatever comes of it is tested.
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  try {
    return await new Promise<ConsoleFiles>((resolve, reject) => {
      worker.once('message', resolve).once('error', reject)
      worker.once('exit', () => reject(new Error('The files of the console were not prepared')))
    })
  } finally {
    await worker.terminate()
  }
}

/** Prepares the files when they are first asked for, beside the event loop, and once: many gateways never show them. */
export const createConsoleFiles = (): (() => Promise<ConsoleFiles>) => {
  let files: Promise<ConsoleFiles> | undefined
  return () => {
    files ??= prepare().catch((error: unknown) => {
      files = undefined
      throw error
    })
    return files
  }
}
