import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { providerModules } from '#providers/provider-modules.ts'
import { readConfig } from '#src/config.ts'

const folder = mkdtempSync(join(tmpdir(), 'fresnel-config-'))
const path = join(folder, 'fresnel.yaml')
afterAll(() => rmSync(folder, { recursive: true }))

const read = (text: string, environment: Record<string, string> = {}) => {
  writeFileSync(path, text)
  return readConfig({ FAL_KEY: 'k', CONFIG_FILE: path, ...environment }, providerModules)
}

const problemsOf = (text: string, environment: Record<string, string> = {}): string[] => {
  try {
    read(text, environment)
  } catch (error) {
    const [, ...lines] = (error as Error).message.split('\n')
    return lines.map((line) => line.replace('- CONFIG_FILE: ', ''))
  }
  return []
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe('the configuration file', () => {
  it('holds keys, folders of models and knobs of the routing policy', () => {
    const config = read(
      `
keys:
  - name: web shop
    key: sha256:${sha256('shop').toUpperCase()}
    expires: 2027-01-31
    models: [painter]
    limits: { requestsPerMinute: 60, concurrent: 4 }
    budget: { usd: 12.5, period: month }
  - key: plain-key
    admin: true
    enabled: false
modelsDirs: [/etc/fresnel/models]
routing: { maxAttempts: 4, ambiguous: stop }
`,
      { MODELS_DIR: '/models' },
    )
    expect(config).toMatchObject({
      modelsDirs: ['/models', '/etc/fresnel/models'],
      routing: { maxAttempts: 4, ambiguous: 'stop' },
    })
    expect(config.fileKeys).toEqual([
      {
        id: `key_${sha256('shop').slice(0, 12)}`,
        hash: sha256('shop'),
        name: 'web shop',
        isEnabled: true,
        expiresAtMs: Date.parse('2027-01-31T00:00:00Z'),
        isAdmin: false,
        models: ['painter'],
        limits: { requestsPerMinute: 60, concurrent: 4 },
        budget: { limit: 12_500_000, period: 'month' },
        source: 'file',
      },
      {
        id: `key_${sha256('plain-key').slice(0, 12)}`,
        hash: sha256('plain-key'),
        isEnabled: false,
        isAdmin: true,
        limits: {},
        source: 'file',
      },
    ])
  })

  it('may be JSON, or empty', () => {
    expect(read('{"modelsDirs": ["/a"]}').modelsDirs).toEqual(['/a'])
    expect(read('').fileKeys).toEqual([])
  })

  it('lets the gateway be reached from elsewhere when it has a key', () => {
    expect(read('keys: [{ key: a }]', { HOST: '0.0.0.0' }).host).toBe('0.0.0.0')
    expect(problemsOf('keys: []', { HOST: '0.0.0.0' })[0]).toContain('HOST 0.0.0.0')
  })

  it('tells all its problems at once, with their place', () => {
    const text = `
keys:
  - key: "two words"
    budget: { usd: -1, period: week }
    limits: { concurrent: 1.5, perMinute: 3 }
  - name: without
modelDirs: []
routing: { maxAttempts: 0, probe: live, moderationFailover: sometimes }
`
    expect(problemsOf(text).toSorted()).toEqual([
      'keys[0].budget.period must be one of day,month,total',
      'keys[0].budget.usd must be >= 0',
      'keys[0].key must be a key of printable ASCII without white space, or sha256: and 64 hexadecimal digits',
      'keys[0].limits.concurrent must be integer',
      'keys[0].limits.perMinute is not known',
      "keys[1] must have required property 'key'",
      'modelDirs is not known',
      'routing.maxAttempts must be >= 1',
      'routing.moderationFailover must be one of off,one_other',
      'routing.probe is not known',
    ])
  })

  it.each([
    ['keys: [{ key: a }, { key: a }]', {}, ['keys[1].key is the same as keys[0].key']],
    [
      `keys: [{ key: sha256:${sha256('a')} }]`,
      { GATEWAY_API_KEYS: 'a' },
      ['keys[0].key stands in the environment, too'],
    ],
    [
      'keys: [{ key: a, expires: 2027-02-31T99:00:00Z }]',
      {},
      ['keys[0].expires is no time that there is'],
    ],
    // Taken for the 3rd of March otherwise.
    ['keys: [{ key: a, expires: 2027-02-31 }]', {}, ['keys[0].expires is no time that there is']],
    // Clients send such a key in one encoding or another: none would ever be the same.
    [
      'keys: [{ key: schlüssel }]',
      {},
      [
        'keys[0].key must be a key of printable ASCII without white space, or sha256: and 64 hexadecimal digits',
      ],
    ],
    [
      'routing: { longestTimeoutMs: 300000 }',
      {},
      ['routing.longestTimeoutMs is longer than REQUEST_TIMEOUT_MS'],
    ],
    [
      'routing: { firstOpenMs: 200000, longestOpenMs: 100000 }',
      {},
      ['routing.firstOpenMs is more than routing.longestOpenMs'],
    ],
    ['[]', {}, ['the file must be object']],
  ] as const)('refuses %s', (text, environment, expected) => {
    expect(problemsOf(text, environment)).toEqual(expected)
  })

  it('shows nothing of itself where it cannot be read', () => {
    expect(problemsOf('keys:\n  - key: my-secret\n\tname: "x')).toEqual(
      expect.arrayContaining([expect.stringMatching(/^line 3 cannot be read \([A-Z_]+\)$/)]),
    )
    // A key that was written where a name should stand.
    expect(problemsOf('keys: [{ key: a, sk-planted-1: { name: x } }]\nsk-planted-2: {}')).toEqual([
      '(a name that is not shown) is not known',
      'keys[0].(a name that is not shown) is not known',
    ])
    expect(problemsOf('keys: []\nkeys: []')).toEqual(['line 2 cannot be read (DUPLICATE_KEY)'])
    const nowhere = join(folder, 'nowhere.yaml')
    expect(problemsOf('', { CONFIG_FILE: nowhere })).toEqual([`${nowhere} does not exist`])
    const noYaml = problemsOf('}\n'.repeat(100))
    expect(noYaml).toHaveLength(11)
    expect(noYaml.at(-1)).toMatch(/^\d+ more of its lines cannot be read$/)
  })

  it('is shown in the README as it can be used', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const example = /```yaml\n(# fresnel\.yaml\n.*?)```/s.exec(readme)?.[1] ?? ''
    const config = read(example)
    expect(config.fileKeys.length).toBeGreaterThan(1)
    expect(Object.keys(config.routing).length).toBeGreaterThan(0)
  })
})
