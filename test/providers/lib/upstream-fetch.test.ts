import type { IncomingMessage } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { createUpstreamFetch } from '#providers/lib/upstream-fetch.ts'
import { type ScriptedServer, startScriptedServer } from './scripted-server.ts'

const upstream = createUpstreamFetch()
let server: ScriptedServer

afterEach(async () => {
  await server.close()
})

describe('createUpstreamFetch', () => {
  it('sends a form made with the global FormData as multipart', async () => {
    server = await startScriptedServer([{ json: {} }])
    const form = new FormData()
    form.append('content', new Blob(['abc'], { type: 'image/png' }), 'image.png')
    await upstream.fetch(server.url, { method: 'POST', body: form })
    expect(server.seen[0]?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/)
    expect(server.seen[0]?.body).toContain(
      'filename="image.png"\r\nContent-Type: image/png\r\n\r\nabc',
    )
  })

  it('keeps connections for the next requests', async () => {
    const ports = new Set<number | undefined>()
    server = await startScriptedServer([
      (request: IncomingMessage, response) => {
        ports.add(request.socket.remotePort)
        response.end('{}')
      },
    ])
    for (let sent = 0; sent < 8; sent += 1) await (await upstream.fetch(server.url)).text()
    // A connection is free again one tick after its answer, so two of them take turns.
    expect(ports.size).toBeLessThanOrEqual(2)
  })
})
