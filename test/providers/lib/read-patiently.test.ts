import { describe, expect, it } from 'vitest'
import { networkError, providerError } from '#providers/lib/provider-failure.ts'
import { patienceOf, readPatiently } from '#providers/lib/read-patiently.ts'
import type { FailureKind } from '#src/domain/errors.ts'

const failed = (kind: FailureKind, status?: number) =>
  providerError(
    'P',
    { kind, workMayExist: true },
    status === undefined ? undefined : { status, headers: {}, requestLeft: true },
  )

describe('readPatiently', () => {
  it('ends a read that hangs and reads again', async () => {
    let reads = 0
    const read = (signal: AbortSignal) => {
      reads += 1
      if (reads > 1) return Promise.resolve('done')
      return new Promise<never>((_resolve, reject) => {
        const lost = networkError('P', { headers: {}, requestLeft: true })
        signal.addEventListener('abort', () => reject(lost), { once: true })
      })
    }
    const { signal } = new AbortController()
    expect(await readPatiently(read, { signal, timeScale: 1_000 })).toBe('done')
    expect(reads).toBe(2)
  })

  it('rejects with the reason of the signal that ends it', async () => {
    const reason = new Error('enough')
    const controller = new AbortController()
    const read = () => {
      controller.abort(reason)
      return Promise.reject(failed('overloaded', 503))
    }
    const limits = { signal: controller.signal, timeScale: 1_000 }
    await expect(readPatiently(read, limits)).rejects.toBe(reason)
  })
})

describe('patienceOf', () => {
  it.each([
    ['network', undefined, 'endless'],
    ['timeout', undefined, 'endless'],
    ['bad_response', undefined, 'short'],
    ['rate_limited', 429, 'endless'],
    ['timeout', 408, 'endless'],
    ['overloaded', 500, 'endless'],
    ['auth', 401, 'none'],
    ['bad_response', 404, 'none'],
  ] as const)('has for %s with status %s a patience that is %s', (kind, status, expected) => {
    expect(patienceOf(failed(kind, status))).toBe(expected)
  })
})
