import { once } from 'node:events'
import { connect } from 'node:net'
import { inflateRawSync } from 'node:zlib'
import type { Redis } from 'ioredis'

const READERS: Readonly<Record<string, (client: Redis, key: string) => Promise<unknown>>> = {
  string: (client, key) => client.getBuffer(key),
  hash: (client, key) => client.hgetallBuffer(key),
  list: (client, key) => client.lrangeBuffer(key, '0', '-1'),
  set: (client, key) => client.smembersBuffer(key),
  zset: (client, key) => client.zrangeBuffer(key, '0', '-1'),
  stream: (client, key) => client.xrangeBuffer(key, '-', '+'),
}

/** Records of requests are kept deflated. */
const inflate = (value: Buffer): string => {
  try {
    return inflateRawSync(value).toString()
  } catch {
    return ''
  }
}

const toText = (value: unknown): string => {
  if (Buffer.isBuffer(value)) return `${value.toString('latin1')} ${inflate(value)}`
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value)
      .map(([name, part]) => `${name} ${toText(part)}`)
      .join('\n')
  }
  return String(value)
}

/** Everything that a Redis holds, keys and values, as text of which each character is a byte. */
export const readWholeRedis = async (client: Redis): Promise<string> => {
  const parts: string[] = []
  for await (const keys of client.scanStream()) {
    for (const key of keys as string[]) {
      const type = await client.type(key)
      // Its time has passed since it was listed.
      if (type === 'none') continue
      const read = READERS[type]
      if (!read) throw new Error(`${key} is of the unknown type ${type}`)
      parts.push(key, toText(await read(client, key)))
    }
  }
  return parts.join('\n')
}

/** Every command that the Redis at this port gets from now on, messages to other gateways included, as text. */
export const watchRedis = async (
  port: number,
): Promise<{ commandText(): string; stop(): void }> => {
  let commands = ''
  const socket = connect(port, '127.0.0.1')
  socket.write('MONITOR\r\n')
  socket.on('data', (chunk: Buffer) => {
    commands += chunk.toString('latin1')
  })
  await once(socket, 'data')
  return { commandText: () => commands, stop: () => socket.destroy() }
}
