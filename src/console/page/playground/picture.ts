/** A picture that is to be changed. */
export interface Picture {
  readonly id: number
  readonly name: string
  readonly blob: Blob
  /** For showing it; freed with `freePicture`. */
  readonly url: string
}

let lastId = 0

export const createPicture = (blob: Blob, name: string): Picture => {
  lastId += 1
  return { id: lastId, name, blob, url: URL.createObjectURL(blob) }
}

export const freePicture = ({ url }: Picture): void => URL.revokeObjectURL(url)

/** Pictures among files that were dropped, pasted or chosen. */
export const picturesOf = (files: Iterable<File>): Picture[] =>
  [...files]
    .filter(({ type }) => type.startsWith('image/'))
    .map((file) => createPicture(file, file.name || 'pasted.png'))

/** Bytes of base64, without going through a URL, which the page's policy forbids. */
export const blobOfBase64 = (text: string, mediaType: string): Blob => {
  const binary = atob(text)
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0))
  return new Blob([bytes], { type: mediaType })
}
