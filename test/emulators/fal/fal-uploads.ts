import type { EmulatorContext } from '#test/emulators/create-emulator.ts'
import { isObject } from '#test/emulators/field-rules.ts'
import { jsonReply, type Route, type WireReply, type WireRequest } from '#test/emulators/wire.ts'

type Handler = (request: WireRequest) => WireReply | Promise<WireReply>

/**
 * Uploads as @fal-ai/client 1.10 does them: ask for a place (that host is rest.fal.ai in reality), then PUT the bytes
 * there without credentials.
 */
export const uploadRoutes = (
  context: EmulatorContext,
  authorized: (handle: Handler) => Handler,
): Route[] => {
  const expected = new Map<string, string>()
  const initiate: Handler = (request) => {
    const body = isObject(request.json) ? request.json : {}
    const name = String(body.file_name ?? 'file').replace(/[^\w.-]/g, '_')
    const place = `${context.random.text(20)}/${name}`
    expected.set(place, String(body.content_type ?? 'application/octet-stream'))
    return jsonReply(200, {
      upload_url: `${context.url()}/upload/${place}`,
      file_url: `${context.url()}/files/${place}`,
    })
  }
  const receive: Handler = ({ parameters, bytes }) => {
    const { id = '', name = '' } = parameters
    const mediaType = expected.get(`${id}/${name}`)
    if (mediaType === undefined) return jsonReply(404, { detail: 'Not Found' })
    const expiresAt = Number.POSITIVE_INFINITY
    context.files.store(id, name, { bytes, mediaType, expiresAt, behaviour: 'sound' })
    return jsonReply(200, {})
  }
  return [
    {
      method: 'POST',
      pattern: /^\/storage\/upload\/initiate$/,
      kind: 'upload',
      handle: authorized(initiate),
    },
    {
      method: 'PUT',
      pattern: /^\/upload\/(?<id>[^/]+)\/(?<name>[^/]+)$/,
      kind: 'upload',
      handle: receive,
    },
  ]
}
