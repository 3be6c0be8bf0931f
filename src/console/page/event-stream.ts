/** An event of a stream, its data as JSON. */
export interface StreamEvent {
  readonly type: string
  // biome-ignore lint/suspicious/noExplicitAny: events have many shapes; whoever reads one knows its own.
  readonly data: any
}

const readEvent = (block: string): StreamEvent | undefined => {
  let type = 'message'
  const data: string[] = []
  for (const line of block.split('\n')) {
    if (line.startsWith('event:')) type = line.slice(6).trim()
    if (line.startsWith('data:')) data.push(line.slice(5).trimStart())
  }
  return data.length > 0 ? { type, data: JSON.parse(data.join('\n')) } : undefined
}

/** Reads events as they come (WHATWG HTML §9.2); `EventSource` itself can only GET. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const reader = body
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .getReader()
  // Pictures come in thousands of pieces: they are put together once, at the end of their event.
  let pieces: string[] = []
  let heldBack = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const text = heldBack + value
    // The end of an event may be cut in two: half of it waits for the other.
    heldBack = text.endsWith('\n') && !text.endsWith('\n\n') ? '\n' : ''
    const blocks = text.slice(0, text.length - heldBack.length).split('\n\n')
    for (const block of blocks.slice(0, -1)) {
      pieces.push(block)
      const event = readEvent(pieces.join(''))
      pieces = []
      if (event) yield event
    }
    pieces.push(blocks.at(-1) ?? '')
  }
}
