import { request as httpRequest } from 'node:http'
import { type JsonAnswer, TEST_KEY } from './start-test-gateway.ts'

/** One part of a form. */
export interface FormPart {
  readonly name: string
  readonly content: Buffer | string
  /** Absent: the part has none, as a text part. */
  readonly filename?: string
  /** Absent: the part has no content type of its own. */
  readonly type?: string
}

export const FORM_BOUNDARY = 'test-boundary'

/** A form byte for byte. */
export const encodeForm = (parts: readonly FormPart[]): Buffer =>
  Buffer.concat([
    ...parts.flatMap(({ name, content, filename, type }) => [
      Buffer.from(
        `--${FORM_BOUNDARY}\r\ncontent-disposition: form-data; name="${name}"` +
          `${filename === undefined ? '' : `; filename="${filename}"`}\r\n` +
          `${type === undefined ? '' : `content-type: ${type}\r\n`}\r\n`,
      ),
      Buffer.from(content),
      Buffer.from('\r\n'),
    ]),
    Buffer.from(`--${FORM_BOUNDARY}--\r\n`),
  ])

/** A text part; with `type` it says what text it is. */
export const textPart = (name: string, content: string, type?: string): FormPart => ({
  name,
  content,
  ...(type && { type }),
})

/** A file part as most clients send it, without a true name or type. */
export const filePart = (
  content: Buffer,
  name = 'image',
  type = 'application/octet-stream',
): FormPart => ({ name, content, filename: 'unknown_file', type })

interface FormOptions {
  /** Without a content length. */
  readonly isChunked?: boolean
  readonly headers?: Readonly<Record<string, string>>
}

/** Sends a form with the key over a socket of its own. */
export const sendForm = (
  url: string,
  body: Buffer,
  { isChunked = false, headers = {} }: FormOptions = {},
): Promise<JsonAnswer> =>
  new Promise((resolve, reject) => {
    const sent = httpRequest(
      url,
      {
        method: 'POST',
        headers: {
          authorization: `Bearer ${TEST_KEY}`,
          'content-type': `multipart/form-data; boundary=${FORM_BOUNDARY}`,
          ...(isChunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': body.length }),
          ...headers,
        },
      },
      async (response) => {
        const chunks: Buffer[] = []
        for await (const chunk of response) chunks.push(chunk as Buffer)
        const text = Buffer.concat(chunks).toString()
        const { statusCode: status = 0 } = response
        resolve({ status, headers: new Headers(), body: JSON.parse(text) })
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
