import { setBounded } from './bounded-map.ts'
import type { Route, WireReply, WireRequest } from './wire.ts'

/** Outputs beyond this number are forgotten, oldest first. */
const MAX_FILES = 2_000

/** How a stored file is served: as it is, not at all, as a web page, or very slowly. */
export type FileBehaviour = 'sound' | 'dead' | 'html' | 'drip'

export interface HostedFile {
  readonly bytes: Buffer
  /** Content type that it is served with. */
  readonly mediaType: string
  /** Wall-clock ms after which it is gone; `Infinity`: never. */
  readonly expiresAt: number
  readonly behaviour: FileBehaviour
}

/** Public outputs of a provider, as its delivery host has them: no credentials asked, gone after a while. */
export interface FileHost {
  /** Stores a file and returns its path. */
  store(id: string, name: string, file: HostedFile): string
  /** The file of a path; `undefined` when there is none or it expired. */
  find(path: string): HostedFile | undefined
  /** GET and HEAD of the stored files. */
  readonly routes: readonly Route[]
}

const GONE: WireReply = {
  status: 404,
  headers: { 'content-type': 'text/plain' },
  body: 'Not Found',
}

const HTML: WireReply = {
  status: 200,
  headers: { 'content-type': 'text/html; charset=utf-8' },
  body: '<!doctype html><html><body><h1>Just a moment…</h1></body></html>',
}

const serve = (file: HostedFile | undefined): WireReply => {
  if (!file || file.behaviour === 'dead') return GONE
  if (file.behaviour === 'html') return HTML
  return {
    status: 200,
    headers: { 'content-type': file.mediaType, 'cache-control': 'public, max-age=3600' },
    body: file.bytes,
    delivery: file.behaviour === 'drip' ? 'drip' : 'whole',
  }
}

/** `prefix` is the folder in the URL, such as `/files`. */
export const createFileHost = (prefix: string): FileHost => {
  const files = new Map<string, HostedFile>()
  const find = (path: string): HostedFile | undefined => {
    const file = files.get(path)
    return file && file.expiresAt > Date.now() ? file : undefined
  }
  const pattern = new RegExp(`^${prefix}/[^/]+/[^/]+$`)
  const handle = (request: WireRequest): WireReply => serve(find(request.path))
  return {
    store(id, name, file) {
      const path = `${prefix}/${id}/${name}`
      setBounded(files, path, file, MAX_FILES)
      return path
    },
    find,
    routes: [
      { method: 'GET', pattern, kind: 'file', handle },
      { method: 'HEAD', pattern, kind: 'file', handle },
    ],
  }
}
