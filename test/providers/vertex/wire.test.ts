import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { vertexBaseUrl } from '#providers/vertex/adapter.ts'
import { providerModule } from '#providers/vertex/index.ts'
import {
  inlineImage,
  providerCall,
  providerDependencies,
  providerErrorOf,
} from '#test/providers/lib/adapter-fixtures.ts'
import {
  eventStream,
  type ScriptedReply,
  type ScriptedServer,
  startScriptedServer,
} from '#test/providers/lib/scripted-server.ts'

const IMAGE = { inlineData: { mimeType: 'image/png', data: 'cGl4ZWxz' } }
const ANSWER = { candidates: [{ finishReason: 'STOP', content: { parts: [IMAGE] } }] }
const CALL = providerCall({
  providerModelId: 'gemini-3.1-flash-image',
  input: {
    prompt: 'a tree',
    imageConfig: { outputMimeType: 'image/jpeg', outputCompressionQuality: 80 },
  },
})
const BODY = {
  contents: [{ role: 'user', parts: [{ text: 'a tree' }] }],
  generationConfig: {
    imageConfig: { imageOutputOptions: { mimeType: 'image/jpeg', compressionQuality: 80 } },
  },
}

let server: ScriptedServer
let folder: string | undefined

afterEach(async () => {
  vi.unstubAllEnvs()
  await server?.close()
  if (folder !== undefined) await rm(folder, { recursive: true })
  folder = undefined
})

const send = async (
  settings: Record<string, string>,
  replies: ScriptedReply[] = [{ json: ANSWER }],
) => {
  server = await startScriptedServer(replies)
  return await generateAt(settings)
}

const generateAt = (settings: Record<string, string>) =>
  providerModule
    .create({ VERTEX_BASE_URL: server.url, ...settings }, providerDependencies())
    .generate(CALL)

/** Credentials of workload identity federation, which name their token service in the file. */
const writeCredentials = async (tokenUrl: string): Promise<string> => {
  folder = await mkdtemp(join(tmpdir(), 'vertex-credentials-'))
  await writeFile(join(folder, 'subject-token'), 'subject')
  const file = join(folder, 'credentials.json')
  const credentials = {
    type: 'external_account',
    audience: 'audience',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: tokenUrl,
    credential_source: { file: join(folder, 'subject-token') },
  }
  await writeFile(file, JSON.stringify(credentials))
  return file
}

describe('the Vertex adapter on the wire', () => {
  it('sends an express key in its own header, without a project', async () => {
    await send({ VERTEX_API_KEY: 'express-key', VERTEX_PROJECT: 'not-used' })
    expect(server.seen).toHaveLength(1)
    expect(server.seen[0]).toMatchObject({
      method: 'POST',
      path: '/v1beta1/publishers/google/models/gemini-3.1-flash-image:generateContent',
      headers: { 'x-goog-api-key': 'express-key' },
    })
    expect(server.seen[0]?.body).toEqual(BODY)
  })

  it('streams for a caller that wants previews, with the same body', async () => {
    server = await startScriptedServer([eventStream([`data: ${JSON.stringify(ANSWER)}\n\n`])])
    const settings = { VERTEX_BASE_URL: server.url, VERTEX_API_KEY: 'express-key' }
    const adapter = providerModule.create(settings, providerDependencies())
    const answer = await adapter.generate({ ...CALL, onPreview: () => {} })
    expect(answer.images).toEqual([inlineImage('cGl4ZWxz', 'image/png')])
    expect(server.seen.map(({ path }) => path)).toEqual([
      '/v1beta1/publishers/google/models/gemini-3.1-flash-image:streamGenerateContent?alt=sse',
    ])
    expect(server.seen[0]?.body).toEqual(BODY)
  })

  it('sends the same whatever the environment says, and prints nothing about it', async () => {
    const printed = (['debug', 'warn'] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation(() => {}),
    )
    vi.stubEnv('GEMINI_API_KEY', 'another-key')
    vi.stubEnv('GOOGLE_GENAI_USE_VERTEXAI', 'false')
    vi.stubEnv('GOOGLE_API_KEY', 'other-key')
    vi.stubEnv('GOOGLE_CLOUD_PROJECT', 'other-project')
    vi.stubEnv('GOOGLE_CLOUD_LOCATION', 'other-location')
    vi.stubEnv('GOOGLE_VERTEX_BASE_URL', 'http://127.0.0.1:1')
    await send({ VERTEX_API_KEY: 'express-key' })
    expect(server.seen[0]).toMatchObject({
      path: '/v1beta1/publishers/google/models/gemini-3.1-flash-image:generateContent',
      headers: { 'x-goog-api-key': 'express-key' },
    })
    for (const spy of printed) expect(spy).not.toHaveBeenCalled()
  })

  it('sends a bearer token of the application default credentials with the project', async () => {
    vi.stubEnv('GOOGLE_API_KEY', 'other-key')
    vi.spyOn(console, 'debug').mockImplementation(() => {})
    const token = {
      access_token: 'token-1',
      token_type: 'Bearer',
      expires_in: 3600,
      issued_token_type: 'x',
    }
    server = await startScriptedServer([{ json: token }, { json: ANSWER }])
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', await writeCredentials(`${server.url}/token`))
    await generateAt({ VERTEX_PROJECT: 'my-project', VERTEX_LOCATION: 'europe-west4' })
    expect(server.seen.map(({ path }) => path)).toEqual([
      '/token',
      '/v1beta1/projects/my-project/locations/europe-west4/publishers/google/models/gemini-3.1-flash-image:generateContent',
    ])
    expect(server.seen[1]?.headers.authorization).toBe('Bearer token-1')
    expect(server.seen[1]?.headers).not.toHaveProperty('x-goog-api-key')
    expect(server.seen[1]?.body).toEqual(BODY)
  })

  it('takes a refusing token service for a matter of the operator', async () => {
    server = await startScriptedServer([{ status: 400, json: { error: 'invalid_grant' } }])
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', await writeCredentials(`${server.url}/token`))
    const { details } = await providerErrorOf(generateAt({ VERTEX_PROJECT: 'p' }))
    expect(details).toEqual({
      kind: 'auth',
      workMayExist: false,
      publicMessage: 'Vertex AI could not be called, as the configured credentials give no access',
    })
  })

  it('takes a token service that cannot be reached for a passing trouble', async () => {
    server = await startScriptedServer([{ json: ANSWER }])
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', await writeCredentials('http://127.0.0.1:1/token'))
    const { details } = await providerErrorOf(generateAt({ VERTEX_PROJECT: 'p' }))
    expect(details).toMatchObject({ kind: 'network', workMayExist: false })
  })

  it('takes credentials that are not there for a matter of the operator', async () => {
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', '/nowhere/credentials.json')
    const { details } = await providerErrorOf(send({ VERTEX_PROJECT: 'p' }))
    expect(details).toMatchObject({ kind: 'auth', workMayExist: false })
    expect(details.publicMessage).not.toContain('nowhere')
    expect(server.seen).toHaveLength(0)
  })
})

describe('vertexBaseUrl', () => {
  it.each([
    [{ location: 'global' }, 'https://aiplatform.googleapis.com'],
    [{ location: 'eu' }, 'https://aiplatform.eu.rep.googleapis.com'],
    [{ location: 'us' }, 'https://aiplatform.us.rep.googleapis.com'],
    [{ location: 'us-central1' }, 'https://us-central1-aiplatform.googleapis.com'],
    [{ location: 'us-central1', apiKey: 'k' }, 'https://aiplatform.googleapis.com'],
    [{ location: 'global', baseUrl: 'http://127.0.0.1:1' }, 'http://127.0.0.1:1'],
  ])('finds the host of %j', (settings, expected) => {
    expect(vertexBaseUrl(settings)).toBe(expected)
  })
})
