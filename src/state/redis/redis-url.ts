/** One host of a Redis. */
export interface RedisNode {
  readonly host: string
  readonly port: number
}

/** What a `REDIS_URL` says. */
export interface RedisTarget {
  /** `single`: one server. `sentinel`: the nodes know where the master is. `cluster`: some nodes of a cluster. */
  readonly kind: 'single' | 'sentinel' | 'cluster'
  /** At least one; of a single server exactly one. */
  readonly nodes: readonly RedisNode[]
  readonly isEncrypted: boolean
  /** Absent: the default user, or none. */
  readonly username?: string
  readonly password?: string
  readonly db: number
  /** IP version of connections; 0: either. */
  readonly family: 0 | 4 | 6
  /** Name of the master group. Present for `sentinel` only. */
  readonly masterName?: string
  /** Of the sentinels themselves. Absent: they want none. */
  readonly sentinelUsername?: string
  readonly sentinelPassword?: string
}

/** What is wrong with a URL; names nothing of it, as it may hold a password. */
class RedisUrlError extends Error {}

const FORMS =
  'redis://[user:password@]host[:port][/db], rediss://… for TLS, redis-cluster://host:port,host:port, ' +
  'or redis+sentinel://host:port,host:port/master-name'

const FORM =
  /^(?<scheme>rediss?)(?<kind>\+sentinel|-cluster)?:\/\/(?:(?<user>[^/?#]*)@)?(?<hosts>[^/?#@]*)(?:\/(?<path>[^?#@]*))?(?:\?(?<query>[^#]*))?$/i

const PARAMETERS = ['cluster', 'db', 'family', 'sentinelUsername', 'sentinelPassword']

const DEFAULT_PORT = { single: 6379, cluster: 6379, sentinel: 26_379 } as const

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new RedisUrlError(
      'has a % in its user, password or name that begins no encoded character',
    )
  }
}

const HOST = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<name>[\w.-]+))(?::(?<port>\d+))?$/

const readNode = (text: string, defaultPort: number): RedisNode => {
  const groups = HOST.exec(text)?.groups
  const host = groups?.['v6'] ?? groups?.['name']
  const port = Number(groups?.['port'] ?? defaultPort)
  if (!host || port < 1 || port > 65_535) {
    throw new RedisUrlError(
      'has a host that cannot be read: give each as host or host:port (1 to 65535), several separated by commas',
    )
  }
  return { host, port }
}

const readUser = (text = ''): Pick<RedisTarget, 'username' | 'password'> => {
  const colon = text.indexOf(':')
  const username = decode(colon < 0 ? text : text.slice(0, colon))
  const password = colon < 0 ? '' : decode(text.slice(colon + 1))
  return { ...(username && { username }), ...(password && { password }) }
}

const readDb = (text: string): number => {
  if (!/^\d{1,5}$/.test(text)) throw new RedisUrlError('has a database that is no number such as 0')
  return Number(text)
}

const readFamily = (text: string | null): RedisTarget['family'] => {
  if (text === null || text === '0') return 0
  if (text === '4') return 4
  if (text === '6') return 6
  throw new RedisUrlError('has a family that is none of 4, 6 and 0 (either)')
}

const kindOf = (suffix: string | undefined, query: URLSearchParams): RedisTarget['kind'] => {
  if (suffix?.toLowerCase() === '+sentinel') return 'sentinel'
  const cluster = query.get('cluster')
  if (cluster !== null && cluster !== 'true' && cluster !== 'false') {
    throw new RedisUrlError('has a cluster that is neither true nor false')
  }
  return suffix || cluster === 'true' ? 'cluster' : 'single'
}

const readQuery = (text: string | undefined): URLSearchParams => {
  const query = new URLSearchParams(text)
  for (const name of query.keys()) {
    if (!PARAMETERS.includes(name)) {
      throw new RedisUrlError(`has a parameter that is none of ${PARAMETERS.join(', ')}`)
    }
  }
  return query
}

/** The name of the master group and the database, or the database alone. */
const readPath = (
  kind: RedisTarget['kind'],
  path: string,
  query: URLSearchParams,
): Pick<RedisTarget, 'db' | 'masterName'> => {
  const parts = path === '' ? [] : path.split('/')
  const masterName = kind === 'sentinel' ? decode(parts.shift() ?? '') : undefined
  if (masterName === '') throw new RedisUrlError('must end with the name of the master: /mymaster')
  if (parts.length > 1) throw new RedisUrlError('has more after its hosts than a database')
  const db = readDb(query.get('db') ?? parts[0] ?? '0')
  if (kind === 'cluster' && db !== 0)
    throw new RedisUrlError('has a database: a cluster has only 0')
  return { db, ...(masterName && { masterName }) }
}

/** Reads a `REDIS_URL`. Throws an error that says what is wrong without showing any of it. */
export const parseRedisUrl = (url: string): RedisTarget => {
  const groups = FORM.exec(url.trim())?.groups
  if (!groups) {
    throw new RedisUrlError(
      `must be one of ${FORMS}; / ? # in a user or password must be written as %2F %3F %23`,
    )
  }
  const query = readQuery(groups['query'])
  const kind = kindOf(groups['kind'], query)
  const nodes = (groups['hosts'] ?? '').split(',').map((host) => readNode(host, DEFAULT_PORT[kind]))
  if (kind === 'single' && nodes.length > 1) {
    throw new RedisUrlError('has several hosts: write redis-cluster://… or redis+sentinel://…')
  }
  const sentinelUsername = query.get('sentinelUsername')
  const sentinelPassword = query.get('sentinelPassword')
  return {
    kind,
    nodes,
    isEncrypted: groups['scheme']?.toLowerCase() === 'rediss',
    ...readUser(groups['user']),
    ...readPath(kind, groups['path'] ?? '', query),
    family: readFamily(query.get('family')),
    ...(sentinelUsername && { sentinelUsername }),
    ...(sentinelPassword && { sentinelPassword }),
  }
}

/** What is wrong with a `REDIS_URL`, to be read after its name; `undefined`: nothing. Shows nothing of the URL. */
export const redisUrlProblem = (url: string): string | undefined => {
  try {
    parseRedisUrl(url)
    return undefined
  } catch (error) {
    if (error instanceof RedisUrlError) return error.message
    throw error
  }
}
