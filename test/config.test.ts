import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { providerModules } from '#providers/provider-modules.ts'
import { readConfig } from '#src/config.ts'

const read = (environment: Record<string, string>) => readConfig(environment, providerModules)
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe('the configuration', () => {
  it('needs one provider and nothing else', () => {
    const config = read({ FAL_KEY: 'k' })
    expect(config).toMatchObject({
      host: '127.0.0.1',
      port: 8080,
      requestTimeoutMs: 280_000,
      requestLogKeptMs: 2_592_000_000,
      mediaTtlMs: 3_600_000,
      mediaDir: join(tmpdir(), 'fresnel-media'),
      outboundAllow: [],
      logLevel: 'info',
      timeScale: 1,
      keyHashes: [],
    })
    expect([...config.providers.keys()]).toEqual(['fal'])
    expect(Object.isFrozen(config)).toBe(true)
  })

  it('switches providers on by their variables', () => {
    const environment = {
      GEMINI_API_KEY: 'a',
      VERTEX_PROJECT: 'p',
      FAL_KEY: 'b',
      REPLICATE_API_TOKEN: 'c',
    }
    expect([...read(environment).providers.keys()]).toEqual([
      'gemini',
      'vertex',
      'fal',
      'replicate',
    ])
  })

  it.each([
    [{ VERTEX_API_KEY: 'k' }, ['vertex']],
    [{ FAL_KEY: 'k', VERTEX_LOCATION: 'global', GEMINI_API_KEY: ' ' }, ['fal']],
    [{ FAL_KEY: 'k', GEMINI_API_KEY: 'k' }, ['gemini', 'fal']],
  ])('switches providers on by %j: %j', (environment, expected) => {
    expect([...read(environment as Record<string, string>).providers.keys()]).toEqual(expected)
  })

  it('shows each provider its own settings only', () => {
    const { providers } = read({ FAL_KEY: 'f', GEMINI_API_KEY: 'g' })
    expect(providers.get('fal')).toEqual({
      FAL_KEY: 'f',
      FAL_BASE_URL: 'https://queue.fal.run',
      FAL_SCHEMA_BASE_URL: 'https://fal.ai',
    })
  })

  it('reads keys as text or as hashes', () => {
    const { keyHashes } = read({
      FAL_KEY: 'k',
      GATEWAY_API_KEYS: `one, sha256:${sha256('two')}`,
      GATEWAY_ADMIN_KEY: 'three',
    })
    expect(keyHashes.map((hash) => hash.toString('hex'))).toEqual([
      sha256('one'),
      sha256('two'),
      sha256('three'),
    ])
  })

  it('reads secrets from files and treats empty variables as absent', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fresnel-config-'))
    await writeFile(join(folder, 'key'), 'from-file\n')
    const config = read({ FAL_KEY_FILE: join(folder, 'key'), FAL_KEY: '', PORT: '' })
    expect(config.providers.get('fal')).toMatchObject({ FAL_KEY: 'from-file' })
    expect(config.port).toBe(8080)
    await rm(folder, { recursive: true })
  })

  it('reports every problem at once and shows no value', () => {
    const environment = {
      PORT: 'eighty',
      LOG_LEVEL: 'loud',
      TIME_SCALE: '0',
      HOST: '0.0.0.0',
      PUBLIC_BASE_URL: 'secret-value',
      FAL_KEY_FILE: '/does/not/exist',
    }
    expect(() => read(environment)).toThrow(/The configuration has 7 problem\(s\)/)
    const message = String(catchError(() => read(environment)))
    for (const name of [
      'PORT',
      'LOG_LEVEL',
      'TIME_SCALE',
      'GATEWAY_API_KEYS',
      'PUBLIC_BASE_URL',
      'FAL_KEY_FILE: /does/not/exist does not exist',
    ]) {
      expect(message).toContain(name)
    }
    expect(message).toContain('Gemini')
    expect(message).toContain('REPLICATE_API_TOKEN')
    expect(message).not.toContain('secret-value')
  })

  it.each([',', ' , ', 'sha256:abc', 'schlüssel'])(
    'does not take %j for a key, nor for none',
    (keys) => {
      const environment = { FAL_KEY: 'k', HOST: '0.0.0.0', GATEWAY_API_KEYS: keys }
      expect(() => read(environment)).toThrow('GATEWAY_API_KEYS')
      expect(() => read({ ...environment, HOST: '127.0.0.1' })).toThrow('GATEWAY_API_KEYS')
    },
  )

  it.each([
    ['OUTBOUND_ALLOW', 'http://foo'],
    ['PUBLIC_BASE_URL', 'http://'],
    ['REQUEST_TIMEOUT_MS', '3000000000'],
  ])('refuses %s=%s', (name, value) => {
    expect(() => read({ FAL_KEY: 'k', [name]: value })).toThrow(name)
  })

  it('takes no list for the admin key', () => {
    for (const key of ['a,b', 'adm,']) {
      const environment = { FAL_KEY: 'k', GATEWAY_ADMIN_KEY: key }
      expect(() => read(environment)).toThrow('GATEWAY_ADMIN_KEY is one key')
    }
  })

  it('shows metrics to other machines only with a key, or none at all', () => {
    const environment = { FAL_KEY: 'k', ADMIN_HOST: '0.0.0.0' }
    expect(() => read(environment)).toThrow('ADMIN_HOST 0.0.0.0 can be reached from other machines')
    expect(read({ ...environment, GATEWAY_API_KEYS: 'x' }).adminHost).toBe('0.0.0.0')
    expect(read({ ...environment, ADMIN_PORT: '0' }).adminPort).toBe(0)
  })

  it('takes one port for one thing only', () => {
    const both = { FAL_KEY: 'k', PORT: '8080', ADMIN_PORT: '8080' }
    expect(() => read(both)).toThrow('PORT and ADMIN_PORT are both 8080')
    expect(read({ FAL_KEY: 'k', PORT: '0', ADMIN_PORT: '0' }).adminPort).toBe(0)
  })

  it('listens on other addresses than loopback only with a key', () => {
    expect(() => read({ FAL_KEY: 'k', HOST: '0.0.0.0' })).toThrow('GATEWAY_API_KEYS is not set')
    expect(read({ FAL_KEY: 'k', HOST: '0.0.0.0', GATEWAY_API_KEYS: 'x' }).host).toBe('0.0.0.0')
    expect(read({ FAL_KEY: 'k', HOST: '0.0.0.0', GATEWAY_ADMIN_KEY: 'x' }).host).toBe('0.0.0.0')
  })
})

describe('the hosting of images', () => {
  const bucket = { FAL_KEY: 'k', MEDIA_S3_BUCKET: 'images' }

  it('is a folder by default, and a bucket when one is named', () => {
    expect(read({ FAL_KEY: 'k' })).not.toHaveProperty('mediaS3')
    expect(read(bucket).mediaS3).toEqual({
      bucket: 'images',
      region: 'us-east-1',
      prefix: '',
      isPathStyle: false,
      delivery: 'proxy',
    })
  })

  it('reads everything about a bucket', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fresnel-config-'))
    await writeFile(join(folder, 'secret'), 'from-file\n')
    const environment = {
      ...bucket,
      MEDIA_S3_REGION: 'auto',
      MEDIA_S3_ENDPOINT: 'http://minio:9000',
      MEDIA_S3_PREFIX: 'fresnel/media',
      MEDIA_S3_ACCESS_KEY_ID: 'id',
      MEDIA_S3_SECRET_ACCESS_KEY_FILE: join(folder, 'secret'),
      MEDIA_S3_DELIVERY: 'presigned',
    }
    expect(read(environment).mediaS3).toEqual({
      bucket: 'images',
      region: 'auto',
      endpoint: 'http://minio:9000',
      prefix: 'fresnel/media/',
      credentials: { accessKeyId: 'id', secretAccessKey: 'from-file' },
      isPathStyle: true,
      delivery: 'presigned',
    })
    await rm(folder, { recursive: true })
  })

  it.each([
    [{ MEDIA_S3_ENDPOINT: 'https://s3.example.com', MEDIA_S3_PATH_STYLE: 'false' }, false],
    [{ MEDIA_S3_PATH_STYLE: 'true' }, true],
  ])('puts the bucket where %j says', (environment, expected) => {
    expect(read({ ...bucket, ...environment }).mediaS3?.isPathStyle).toBe(expected)
  })

  it.each([
    [{ MEDIA_S3_ACCESS_KEY_ID: 'id' }, 'MEDIA_S3_SECRET_ACCESS_KEY is not set'],
    [{ MEDIA_S3_SECRET_ACCESS_KEY: 's' }, 'MEDIA_S3_ACCESS_KEY_ID is not set'],
    [{ MEDIA_S3_BUCKET: '', MEDIA_S3_PREFIX: 'a' }, 'MEDIA_S3_PREFIX is set but MEDIA_S3_BUCKET'],
    [{ MEDIA_S3_BUCKET: '', MEDIA_S3_PATH_STYLE: 'false' }, 'MEDIA_S3_PATH_STYLE is set but'],
    [{ MEDIA_S3_BUCKET: '', MEDIA_S3_DELIVERY: 'presigned' }, 'MEDIA_S3_DELIVERY is set but'],
    [{ MEDIA_S3_BUCKET: '', MEDIA_S3_REGION: 'auto' }, 'MEDIA_S3_REGION is set but'],
    [{ MEDIA_S3_PREFIX: '/a' }, 'MEDIA_S3_PREFIX'],
    [{ MEDIA_S3_PREFIX: 'a/../b' }, 'MEDIA_S3_PREFIX'],
    [{ MEDIA_S3_BUCKET: 'a/b' }, 'MEDIA_S3_BUCKET'],
    [{ MEDIA_S3_ENDPOINT: 'minio:9000' }, 'MEDIA_S3_ENDPOINT'],
    [{ MEDIA_S3_ENDPOINT: 'http://user:password@minio' }, 'MEDIA_S3_ENDPOINT'],
    [{ MEDIA_S3_PATH_STYLE: 'maybe' }, 'MEDIA_S3_PATH_STYLE'],
    [{ MEDIA_S3_DELIVERY: 'direct' }, 'MEDIA_S3_DELIVERY'],
    [{ MEDIA_SIGNING_KEY: 'a'.repeat(31) }, 'MEDIA_SIGNING_KEY'],
  ])('refuses %j', (environment, problem) => {
    const message = String(catchError(() => read({ ...bucket, ...environment })))
    expect(message).toContain('has 1 problem(s)')
    expect(message).toContain(problem)
  })

  it('takes a signing key of 32 characters', () => {
    const mediaSigningKey = 'a'.repeat(32)
    const environment = { FAL_KEY: 'k', MEDIA_SIGNING_KEY: mediaSigningKey }
    expect(read(environment)).toMatchObject({ mediaSigningKey })
  })
})

const catchError = (action: () => unknown): unknown => {
  try {
    return action()
  } catch (error) {
    return error
  }
}
