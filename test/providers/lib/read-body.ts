import type { UpstreamBody } from '#src/domain/provider-adapter.ts'

/** All bytes of a body; rejects with its failure. */
export const readBody = (body: UpstreamBody): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const read: Buffer[] = []
    body.read({
      onBytes: (bytes) => read.push(bytes),
      onEnd: () => resolve(Buffer.concat(read)),
      onFailure: reject,
    })
  })
