import { describe, expect, it } from 'vitest'
import { parseRedisUrl, redisUrlProblem } from '#src/state/redis/redis-url.ts'

describe('a Redis URL', () => {
  const node = (host: string, port = 6379) => ({ host, port })
  const plain = { isEncrypted: false, db: 0, family: 0 }

  it.each([
    ['redis://localhost', { ...plain, kind: 'single', nodes: [node('localhost')] }],
    [
      'rediss://ann:p%40ss%2Fword@cache.example.com:6380/3',
      {
        kind: 'single',
        nodes: [node('cache.example.com', 6380)],
        isEncrypted: true,
        username: 'ann',
        password: 'p@ss/word',
        db: 3,
        family: 0,
      },
    ],
    [
      'redis://:secret@[::1]:7000?db=2&family=6',
      {
        ...plain,
        kind: 'single',
        nodes: [node('::1', 7000)],
        password: 'secret',
        db: 2,
        family: 6,
      },
    ],
    [
      'redis-cluster://ann:secret@a:7000,b:7001',
      {
        ...plain,
        kind: 'cluster',
        nodes: [node('a', 7000), node('b', 7001)],
        username: 'ann',
        password: 'secret',
      },
    ],
    [
      'redis://a,b:7001?cluster=true',
      { ...plain, kind: 'cluster', nodes: [node('a'), node('b', 7001)] },
    ],
    [
      'redis+sentinel://:secret@a,b:26380/mymaster/1?sentinelPassword=other',
      {
        ...plain,
        kind: 'sentinel',
        nodes: [node('a', 26_379), node('b', 26_380)],
        password: 'secret',
        db: 1,
        masterName: 'mymaster',
        sentinelPassword: 'other',
      },
    ],
    [
      'rediss+sentinel://a/mymaster?db=4',
      {
        kind: 'sentinel',
        nodes: [node('a', 26_379)],
        isEncrypted: true,
        masterName: 'mymaster',
        db: 4,
        family: 0,
      },
    ],
  ])('reads %s', (url, expected) => {
    expect(parseRedisUrl(url)).toEqual(expected)
    expect(redisUrlProblem(url)).toBeUndefined()
  })

  it.each([
    ['', 'must be one of'],
    ['localhost:6379', 'must be one of'],
    ['http://:hunter2@localhost', 'must be one of'],
    ['redis://:hun/ter2@localhost', 'must be written as %2F'],
    ['redis://:hunter2@', 'host that cannot be read'],
    ['redis://:hunter2@host:99999', 'host that cannot be read'],
    ['redis://:hunter2@host:port', 'host that cannot be read'],
    ['redis://:hunter2@a,b', 'several hosts'],
    ['redis://:hunter2%@localhost', 'no encoded character'],
    ['redis://:hunter2@localhost/first', 'database that is no number'],
    ['redis://:hunter2@localhost/0/1', 'more after its hosts'],
    ['redis://:hunter2@localhost?family=5', 'family'],
    ['redis://:hunter2@localhost?cluster=yes', 'neither true nor false'],
    ['redis://:hunter2@localhost?pasword=hunter2', 'none of cluster, db'],
    ['redis-cluster://:hunter2@localhost/1', 'a cluster has only 0'],
    ['redis+sentinel://:hunter2@localhost', 'name of the master'],
  ])('says what is wrong with %j without showing it', (url, problem) => {
    expect(redisUrlProblem(url)).toContain(problem)
    expect(redisUrlProblem(url)).not.toContain('hunter2')
  })
})
