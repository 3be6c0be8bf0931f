/** Bytes → base64 text, without copying them first. */
export const toBase64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')

/** Bytes → `data:image/png;base64,…`. */
export const toDataUri = (bytes: Uint8Array, mediaType: string): string =>
  `data:${mediaType};base64,${toBase64(bytes)}`
