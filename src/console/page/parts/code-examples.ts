import { html, type TemplateResult } from 'lit-html'
import { GATEWAY_URL } from '#console/gateway.ts'
import type { Mode } from '#console/types.ts'
import { copyButton } from './copy-button.ts'

export type Language = 'curl' | 'JavaScript' | 'Python'
export const LANGUAGES: readonly Language[] = ['curl', 'JavaScript', 'Python']

/** A call as the examples make it. */
export interface ExampleCall {
  readonly model: string
  readonly mode: Mode
  /** Without `model`; `prompt` among them. */
  readonly parameters: Readonly<Record<string, unknown>>
  /** Names of the files that are sent along. */
  readonly images: readonly string[]
}

/** What OpenAI's SDKs take as arguments of their own; everything else goes through `extra_body`. */
const KNOWN_TO_SDK: ReadonlySet<string> = new Set(
  'model prompt n size quality response_format output_format output_compression background moderation style user'.split(
    ' ',
  ),
)

const BASE_URL = `${GATEWAY_URL}/openai/v1`

const shell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

const asText = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value)

const curl = ({ model, mode, parameters, images }: ExampleCall): string => {
  if (mode === 'text_to_image') {
    const body = JSON.stringify({ model, ...parameters }, null, 2)
    return [
      `curl ${BASE_URL}/images/generations \\`,
      `  -H "Authorization: Bearer $FRESNEL_API_KEY" \\`,
      `  -H 'Content-Type: application/json' \\`,
      `  -d ${shell(body)}`,
    ].join('\n')
  }
  // With -F a text that begins with @ or < would name a file.
  const fields = Object.entries({ model, ...parameters }).map(
    ([name, value]) => `  --form-string ${shell(`${name}=${asText(value)}`)}`,
  )
  const files = images.map((name) => `  -F ${shell(`image[]=@${name}`)}`)
  return [
    `curl ${BASE_URL}/images/edits \\`,
    `  -H "Authorization: Bearer $FRESNEL_API_KEY" \\`,
    [...fields, ...files].join(' \\\n'),
  ].join('\n')
}

/** Of those, what it takes for new pictures alone. */
const UNKNOWN_TO_EDITS: ReadonlySet<string> = new Set(['moderation', 'style'])

const split = ({ mode, parameters }: ExampleCall) => {
  const isKnown = (name: string): boolean =>
    KNOWN_TO_SDK.has(name) && !(mode === 'image_edit' && UNKNOWN_TO_EDITS.has(name))
  const entries = Object.entries(parameters)
  return {
    known: entries.filter(([name]) => isKnown(name)),
    others: entries.filter(([name]) => !isKnown(name)),
  }
}

const javaScript = ({ model, mode, parameters, images }: ExampleCall): string => {
  const method = mode === 'text_to_image' ? 'generate' : 'edit'
  const files =
    mode === 'image_edit'
      ? [
          `  image: [${images.map((name) => `fs.createReadStream(${JSON.stringify(name)})`).join(', ')}],`,
        ]
      : []
  const fields = Object.entries({ model, ...parameters }).map(
    ([name, value]) => `  ${name}: ${JSON.stringify(value)},`,
  )
  return [
    ...(mode === 'image_edit' ? [`import fs from 'node:fs'`] : []),
    `import OpenAI from 'openai'`,
    '',
    'const client = new OpenAI({',
    `  baseURL: ${JSON.stringify(BASE_URL)},`,
    '  apiKey: process.env.FRESNEL_API_KEY,',
    '})',
    `const result = await client.images.${method}({`,
    ...fields,
    ...files,
    '})',
    'console.log(result.data[0])',
  ].join('\n')
}

/** `true` → `True`. */
const python = (value: unknown): string => {
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (value === null) return 'None'
  if (Array.isArray(value)) return `[${value.map(python).join(', ')}]`
  if (typeof value !== 'object') return JSON.stringify(value)
  const fields = Object.entries(value).map(
    ([name, field]) => `${JSON.stringify(name)}: ${python(field)}`,
  )
  return `{${fields.join(', ')}}`
}

const pythonCall = (call: ExampleCall): string => {
  const { model, mode, images } = call
  const { known, others } = split(call)
  const method = mode === 'text_to_image' ? 'generate' : 'edit'
  const files =
    mode === 'image_edit'
      ? [`    image=[${images.map((name) => `open(${JSON.stringify(name)}, "rb")`).join(', ')}],`]
      : []
  const extra = others.length > 0 ? [`    extra_body=${python(Object.fromEntries(others))},`] : []
  return [
    'import os',
    'from openai import OpenAI',
    '',
    `client = OpenAI(base_url=${JSON.stringify(BASE_URL)}, api_key=os.environ["FRESNEL_API_KEY"])`,
    `result = client.images.${method}(`,
    ...Object.entries({ model, ...Object.fromEntries(known) }).map(
      ([name, value]) => `    ${name}=${python(value)},`,
    ),
    ...files,
    ...extra,
    ')',
    'print(result.data[0])',
  ].join('\n')
}

const WRITERS: Readonly<Record<Language, (call: ExampleCall) => string>> = {
  curl,
  JavaScript: javaScript,
  Python: pythonCall,
}

/** The call as code, in the language chosen. */
export const codeExamples = (
  call: ExampleCall,
  language: Language,
  choose: (language: Language) => void,
): TemplateResult => {
  const code = WRITERS[language](call)
  return html`<div class="code">
    <div class="code-head">
      <div role="group" aria-label="Language">
        ${LANGUAGES.map(
          (name) =>
            html`<button type="button" class="small" aria-pressed=${name === language} @click=${() => choose(name)}>${name}</button>`,
        )}
      </div>
      ${copyButton(code)}
    </div>
    <pre tabindex="0" aria-label="Example in ${language}"><code>${code}</code></pre>
  </div>`
}
