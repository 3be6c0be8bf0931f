import type { WireReply } from '#test/emulators/wire.ts'

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
}

/** Element content: text, nested elements (an array repeats its element), or left out. */
export type XmlValue = string | number | boolean | XmlElements | readonly XmlElements[] | undefined
export interface XmlElements {
  readonly [name: string]: XmlValue
}

const render = (name: string, value: XmlValue): string => {
  if (value === undefined) return ''
  if (Array.isArray(value)) return value.map((each: XmlElements) => render(name, each)).join('')
  const inner =
    typeof value === 'object'
      ? Object.entries(value as XmlElements)
          .map(([child, content]) => render(child, content))
          .join('')
      : String(value).replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character)
  return `<${name}>${inner}</${name}>`
}

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/'

/** An answer with a document of S3's. */
export const xmlReply = (status: number, root: string, content: XmlElements): WireReply => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n${render(root, content).replace(`<${root}>`, `<${root} xmlns="${NAMESPACE}">`)}`,
})

/** S3's error document; it has no namespace. */
export const errorReply = (status: number, code: string, message: string): WireReply => ({
  status,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?>\n${render('Error', { Code: code, Message: message, RequestId: 'EMULATED' })}`,
})

const unescapeText = (text: string): string =>
  text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => {
    const characters: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'" }
    return characters[name] ?? '&'
  })

/** The texts of all elements of that name inside a request document, which has no attributes or comments. */
export const readElements = (xml: string, name: string): string[] =>
  [...xml.matchAll(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, 'g'))].map((match) =>
    unescapeText(match[1] ?? ''),
  )
