import { createHash } from 'node:crypto'
import { setBounded } from '#test/emulators/bounded-map.ts'
import type { EmulatorContext } from '#test/emulators/create-emulator.ts'
import { jsonReply, type WireReply, type WireRequest } from '#test/emulators/wire.ts'
import { invalidInput, replicateNotFound } from './replicate-errors.ts'
import type { FindUpload } from './replicate-input.ts'

/** Limits of the files API: 100 MB, about a day (https://replicate.com/docs/topics/predictions/input-files). */
const MAX_FILE_BYTES = 100 * 1024 * 1024
const LIFE_MS = 86_400_000
const MAX_FILES = 500

interface Upload {
  readonly bytes: Buffer
  readonly description: object
  /** Wall-clock ms. */
  readonly expiresAt: number
}

/** The files API of one emulator. */
export interface ReplicateUploads {
  /** POST /v1/files, multipart with the fields `content` and `metadata`. */
  receive(request: WireRequest): Promise<WireReply>
  /** GET /v1/files/{id}. */
  describe(request: WireRequest): WireReply
  readonly find: FindUpload
}

const readForm = async (request: WireRequest): Promise<FormData | undefined> => {
  const headers = { 'content-type': request.headers['content-type'] ?? '' }
  const body = new Uint8Array(request.bytes)
  return new Response(body, { headers }).formData().catch(() => undefined)
}

const missingContent = (): WireReply =>
  invalidInput([{ type: 'required', field: 'content', description: 'content is required' }])

const parseMetadata = (field: File | string | null): unknown => {
  try {
    return typeof field === 'string' ? JSON.parse(field) : {}
  } catch {
    return {}
  }
}

export const createReplicateUploads = (context: EmulatorContext): ReplicateUploads => {
  const uploads = new Map<string, Upload>()
  const find = (id: string): Upload | undefined => {
    const upload = uploads.get(id)
    return upload && upload.expiresAt > Date.now() ? upload : undefined
  }
  return {
    async receive(request) {
      const form = await readForm(request)
      const content = form?.get('content')
      if (!(content instanceof File)) return missingContent()
      if (content.size > MAX_FILE_BYTES)
        return jsonReply(413, { detail: 'File too large', status: 413 })
      const bytes = Buffer.from(await content.arrayBuffer())
      const id = context.random.text(40)
      const expiresAt = Date.now() + LIFE_MS / context.timeScale
      const description = {
        id,
        name: content.name,
        content_type: content.type || 'application/octet-stream',
        size: bytes.length,
        checksums: { sha256: createHash('sha256').update(bytes).digest('hex') },
        metadata: parseMetadata(form?.get('metadata') ?? null),
        created_at: new Date().toISOString(),
        expires_at: new Date(expiresAt).toISOString(),
        urls: { get: `${context.url()}/v1/files/${id}` },
      }
      setBounded(uploads, id, { bytes, description, expiresAt }, MAX_FILES)
      return jsonReply(201, description)
    },
    describe(request) {
      const upload = find(request.parameters.id ?? '')
      return upload ? jsonReply(200, upload.description) : replicateNotFound()
    },
    find(url) {
      const prefix = `${context.url()}/v1/files/`
      return url.startsWith(prefix) ? find(url.slice(prefix.length))?.bytes : undefined
    },
  }
}
