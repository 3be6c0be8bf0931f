import { writeFile } from 'node:fs/promises'
import { drawNoisePicture } from './noise-picture.ts'

/** A form as OpenAI's clients write it, in a file: it is sent many times and is no part of what is measured. */
export interface UploadForm {
  readonly file: string
  readonly contentType: string
  readonly sizeBytes: number
}

/** Writes an edit with so many pictures of so many bytes, for Gemini. */
export const writeUploadForm = async (
  file: string,
  pictures: number,
  eachBytes: number,
): Promise<UploadForm> => {
  const picture = await drawNoisePicture(eachBytes)
  const form = new FormData()
  form.set('model', 'gemini/gemini-3.1-flash-image-preview')
  form.set('prompt', 'a lighthouse')
  form.set('response_format', 'b64_json')
  for (let index = 0; index < pictures; index += 1) {
    const part = new Blob([new Uint8Array(picture)], { type: 'image/png' })
    form.append('image[]', part, `${index}.png`)
  }
  const encoded = new Response(form)
  const bytes = Buffer.from(await encoded.arrayBuffer())
  await writeFile(file, bytes)
  return {
    file,
    contentType: encoded.headers.get('content-type') ?? '',
    sizeBytes: bytes.length,
  }
}
