import type { ServerResponse } from 'node:http'
import type { LookupFunction } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { createImageFetcher, type ImageFetcherOptions } from '#src/images/fetch-image.ts'
import { ImageFetchError } from '#src/images/image-fetch-error.ts'
import { startImageServer } from './image-server.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
})

const serve = async (...given: Parameters<typeof startImageServer>) => {
  const server = await startImageServer(...given)
  closers.push(server.close)
  return server
}

const toLoopback: LookupFunction = (_hostname, _options, callback) =>
  callback(null, [{ address: '127.0.0.1', family: 4 }])

const fetcherFor = (ports: readonly number[], options: Partial<ImageFetcherOptions> = {}) => {
  const allowedHosts = ports.flatMap((port) => [`127.0.0.1:${port}`, `files.test:${port}`])
  const fetcher = createImageFetcher({
    allowedHosts,
    maxBytes: 1000,
    timeoutMs: 5000,
    lookup: toLoopback,
    ...options,
  })
  closers.push(fetcher.close)
  return fetcher
}

const request = () =>
  ({ signal: new AbortController().signal, purpose: 'provider_output' }) as const

const failureOf = async (fetching: Promise<{ stream: NodeJS.ReadableStream }>) => {
  const error = await fetching.then(({ stream }) => buffer(stream)).catch((thrown) => thrown)
  expect(error).toBeInstanceOf(ImageFetchError)
  const { failure, message, isTransient } = error as ImageFetchError
  return { reason: failure.reason, message, isTransient }
}

const redirectTo = (location: string) => (_: unknown, response: ServerResponse) => {
  response.writeHead(302, { location }).end('moved')
}

describe('a fetch', () => {
  it('gives the bytes and the announced length', async () => {
    const server = await serve((_, response) => {
      response.setHeader('content-length', 5).end('image')
    })
    const fetched = await fetcherFor([server.port]).fetch(`${server.url}/a.png?x=1#part`, request())
    expect(fetched.contentLength).toBe(5)
    expect(String(await buffer(fetched.stream))).toBe('image')
    expect(server.requests[0]?.url).toBe('/a.png?x=1')
  })

  it('sends nothing that tells who asks', async () => {
    const server = await serve((_, response) => response.end('x'))
    const { stream } = await fetcherFor([server.port]).fetch(server.url, request())
    await buffer(stream)
    expect(server.requests[0]?.headers).toEqual({
      accept: 'image/*',
      'accept-encoding': 'identity',
      connection: 'keep-alive',
      host: `127.0.0.1:${server.port}`,
      'user-agent': 'fresnel',
    })
  })

  it('uses connections again', async () => {
    const server = await serve((_, response) => response.end('x'))
    const fetcher = fetcherFor([server.port])
    for (let count = 0; count < 6; count += 1) {
      await buffer((await fetcher.fetch(server.url, request())).stream)
    }
    expect(server.requests).toHaveLength(6)
    // The next fetch may begin before the connection of the last one is free again.
    expect(server.connectionCount()).toBeLessThanOrEqual(2)
  })

  it('connects to exactly the address that its look-up gave', async () => {
    const server = await serve((_, response) => response.end('pinned'))
    const names: string[] = []
    const lookup: LookupFunction = (hostname, options, callback) => {
      names.push(hostname)
      toLoopback(hostname, options, callback)
    }
    const fetcher = fetcherFor([server.port], { lookup })
    const { stream } = await fetcher.fetch(`http://files.test:${server.port}/`, request())
    expect(String(await buffer(stream))).toBe('pinned')
    expect(names).toEqual(['files.test'])
  })

  it('follows five redirects, relative ones too', async () => {
    const server = await serve((_, response, index) => {
      if (index < 5) response.writeHead(307, { location: `/hop/${index}` }).end()
      else response.end('there')
    })
    const { stream } = await fetcherFor([server.port]).fetch(server.url, request())
    expect(String(await buffer(stream))).toBe('there')
    expect(server.requests).toHaveLength(6)
  })
})

describe('the outbound rules', () => {
  it('refuse a private address, without a connection', async () => {
    const server = await serve((_, response) => response.end('secret'))
    const expected = {
      reason: 'forbidden',
      message: "The provider's image file points to an address that is not public",
      isTransient: false,
    }
    const fetcher = fetcherFor([])
    const urls = [`https://127.0.0.1:${server.port}/`, `https://[::ffff:7f00:1]:${server.port}/`]
    for (const url of urls) expect(await failureOf(fetcher.fetch(url, request()))).toEqual(expected)
    expect(server.connectionCount()).toBe(0)
  })

  it('refuse a name that resolves to a private address, without a connection', async () => {
    const server = await serve((_, response) => response.end('secret'))
    const fetching = fetcherFor([]).fetch(`https://rebind.test:${server.port}/`, request())
    expect(await failureOf(fetching)).toMatchObject({ reason: 'forbidden' })
    expect(server.connectionCount()).toBe(0)
  })

  it('hold for every redirect', async () => {
    const inner = await serve((_, response) => response.end('secret'))
    const targets = [
      `http://127.0.0.1:${inner.port}/`,
      `https://127.0.0.1:${inner.port}/`,
      `https://rebind.test:${inner.port}/`,
      `https://user:pass@example.com/`,
      'file:///etc/passwd',
      'http://[',
    ]
    for (const target of targets) {
      const server = await serve(redirectTo(target))
      const fetching = fetcherFor([server.port]).fetch(server.url, request())
      expect(await failureOf(fetching)).toMatchObject({ reason: 'forbidden' })
    }
    expect(inner.connectionCount()).toBe(0)
  })

  it('end a loop of redirects', async () => {
    const server = await serve(redirectTo('/again'))
    expect(await failureOf(fetcherFor([server.port]).fetch(server.url, request()))).toMatchObject({
      reason: 'forbidden',
      message: "The provider's image file redirects more than 5 times",
    })
    expect(server.requests).toHaveLength(6)
  })

  it('refuse what is no URL, in words for a client', async () => {
    const asked = { ...request(), purpose: 'client_input' } as const
    expect(await failureOf(fetcherFor([]).fetch('not a url', asked))).toEqual({
      reason: 'forbidden',
      message: 'The image URL is not a valid URL',
      isTransient: false,
    })
  })
})

describe('a fetch fails', () => {
  it.each([
    [404, false],
    [403, false],
    [204, false],
    [304, false],
    [429, true],
    [500, true],
    [503, true],
  ])('on status %i', async (status, isTransient) => {
    const server = await serve((_, response) => response.writeHead(status).end())
    expect(await failureOf(fetcherFor([server.port]).fetch(server.url, request()))).toEqual({
      reason: 'status',
      message: `The provider's image file answered with status ${status}`,
      isTransient,
    })
  })

  it('before reading when the announced length is too large', async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 1001 }).write('x')
    })
    await expect(fetcherFor([server.port]).fetch(server.url, request())).rejects.toMatchObject({
      message: "The provider's image file is larger than 1000 bytes",
      failure: { reason: 'too_large' },
    })
  })

  it('at the byte above the limit when no length is announced', async () => {
    const server = await serve((_, response) => {
      response.write(Buffer.alloc(700))
      response.write(Buffer.alloc(301))
    })
    const fetcher = fetcherFor([server.port])
    const expected = { reason: 'too_large', isTransient: false }
    expect(await failureOf(fetcher.fetch(server.url, request()))).toMatchObject(expected)
    const narrow = fetcher.fetch(server.url, { ...request(), maxBytes: 600 })
    expect((await failureOf(narrow)).message).toMatch('larger than 600 bytes')
  })

  it('when the connection ends before the announced length', async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 900 })
      response.write(Buffer.alloc(500), () => response.destroy())
    })
    expect(await failureOf(fetcherFor([server.port]).fetch(server.url, request()))).toEqual({
      reason: 'network',
      message: "The provider's image file could not be fetched: the connection failed",
      isTransient: true,
    })
  })

  it('when a chunked answer is cut', async () => {
    const server = await serve((_, response) => {
      response.write(Buffer.alloc(500), () => response.destroy())
    })
    const fetching = fetcherFor([server.port]).fetch(server.url, request())
    expect(await failureOf(fetching)).toMatchObject({ reason: 'network', isTransient: true })
  })

  it('when nobody listens', async () => {
    const server = await serve(() => undefined)
    await server.close()
    const fetching = fetcherFor([server.port]).fetch(server.url, request())
    expect(await failureOf(fetching)).toMatchObject({ reason: 'network', isTransient: true })
  })

  it('when its time is up before the answer', async () => {
    const server = await serve(() => undefined)
    const fetcher = fetcherFor([server.port], { timeoutMs: 30 })
    expect(await failureOf(fetcher.fetch(server.url, request()))).toEqual({
      reason: 'timeout',
      message: "The provider's image file did not arrive in time",
      isTransient: true,
    })
  })

  it('when the bytes only drip', async () => {
    const server = await serve((_, response) => {
      const timer = setInterval(() => response.write('x'), 5)
      response.once('close', () => clearInterval(timer))
    })
    const fetching = fetcherFor([server.port], { timeoutMs: 60 }).fetch(server.url, request())
    expect(await failureOf(fetching)).toMatchObject({ reason: 'timeout' })
  })

  it('when the caller gives up, before the answer and in the middle', async () => {
    const server = await serve(({ url }, response) => {
      if (url === '/part') response.write('part')
    })
    const fetcher = fetcherFor([server.port])
    const before = new AbortController()
    const waiting = failureOf(fetcher.fetch(server.url, { ...request(), signal: before.signal }))
    before.abort()
    expect(await waiting).toMatchObject({ reason: 'cancelled', isTransient: false })
    const during = new AbortController()
    const { stream } = await fetcher.fetch(`${server.url}/part`, {
      ...request(),
      signal: during.signal,
    })
    stream.once('data', () => during.abort())
    const error = await new Promise<Error>((resolve) => {
      stream.once('error', resolve)
    })
    expect(error).toMatchObject({ failure: { reason: 'cancelled' } })
  })
})

describe('an unread stream', () => {
  it('ends its connection when it is destroyed', async () => {
    const { promise: isClosed, resolve } = Promise.withResolvers<void>()
    const server = await serve((_, response) => {
      response.once('close', resolve).write('part')
    })
    const { stream } = await fetcherFor([server.port]).fetch(server.url, request())
    stream.destroy()
    await isClosed
  })
})
