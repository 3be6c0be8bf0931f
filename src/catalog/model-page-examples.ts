import type { Mode, ModelCard } from '#src/domain/model-card.ts'
import { codeBlock } from './model-page-markdown.ts'

/** Environment variable that holds the caller's key in the examples. */
const KEY_VARIABLE = 'GATEWAY_API_KEY'

const PROMPTS: Readonly<Record<Mode, string>> = {
  text_to_image: 'A lighthouse at dusk',
  image_edit: 'Make it night',
}

/** What an example is written with. */
interface Example {
  readonly card: ModelCard
  /** Ends in `/openai/v1`. */
  readonly apiUrl: string
  readonly mode: Mode
}

/** Text as one word of a shell, whatever is in it. */
const shellWord = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`

/** Text as a string of JavaScript, in the quotes that the rest of the example has. */
const javascriptString = (text: string): string =>
  `'${JSON.stringify(text).slice(1, -1).replaceAll(String.raw`\"`, '"').replaceAll("'", String.raw`\'`)}'`

const curl = ({ card, apiUrl, mode }: Example): string => {
  const authorization = `  -H "Authorization: Bearer $${KEY_VARIABLE}"`
  const prompt = PROMPTS[mode]
  if (mode === 'text_to_image') {
    const body = JSON.stringify({ model: card.id, prompt })
    return [
      `curl ${shellWord(`${apiUrl}/images/generations`)}`,
      authorization,
      "  -H 'Content-Type: application/json'",
      `  -d ${shellWord(body)}`,
    ].join(' \\\n')
  }
  return [
    `curl ${shellWord(`${apiUrl}/images/edits`)}`,
    authorization,
    `  -F ${shellWord(`model=${card.id}`)}`,
    `  -F ${shellWord(`prompt=${prompt}`)}`,
    '  -F image=@input.png',
  ].join(' \\\n')
}

const answersUrl = ({ card }: Example): boolean => card.defaultResponseFormat === 'url'

const javascript = (example: Example): string => {
  const { card, apiUrl, mode } = example
  const isEdit = mode === 'image_edit'
  const needsFiles = isEdit || !answersUrl(example)
  return [
    ...(needsFiles ? ["import fs from 'node:fs'"] : []),
    `import OpenAI${isEdit ? ', { toFile }' : ''} from 'openai'`,
    '',
    'const client = new OpenAI({',
    `  baseURL: ${javascriptString(apiUrl)},`,
    `  apiKey: process.env.${KEY_VARIABLE},`,
    '})',
    '',
    `const result = await client.images.${isEdit ? 'edit' : 'generate'}({`,
    `  model: ${javascriptString(card.id)},`,
    `  prompt: ${javascriptString(PROMPTS[mode])},`,
    ...(isEdit ? ["  image: await toFile(fs.createReadStream('input.png'), 'input.png'),"] : []),
    '})',
    answersUrl(example)
      ? 'console.log(result.data[0].url)'
      : "fs.writeFileSync('output.png', Buffer.from(result.data[0].b64_json, 'base64'))",
  ].join('\n')
}

const python = (example: Example): string => {
  const { card, apiUrl, mode } = example
  const isEdit = mode === 'image_edit'
  return [
    ...(answersUrl(example) ? [] : ['import base64']),
    'import os',
    '',
    'from openai import OpenAI',
    '',
    'client = OpenAI(',
    `    base_url=${JSON.stringify(apiUrl)},`,
    `    api_key=os.environ["${KEY_VARIABLE}"],`,
    ')',
    '',
    `result = client.images.${isEdit ? 'edit' : 'generate'}(`,
    `    model=${JSON.stringify(card.id)},`,
    `    prompt=${JSON.stringify(PROMPTS[mode])},`,
    ...(isEdit ? ['    image=open("input.png", "rb"),'] : []),
    ')',
    ...(answersUrl(example)
      ? ['print(result.data[0].url)']
      : [
          'with open("output.png", "wb") as file:',
          '    file.write(base64.b64decode(result.data[0].b64_json))',
        ]),
  ].join('\n')
}

const MODE_TITLES: Readonly<Record<Mode, string>> = {
  text_to_image: 'Text to image',
  image_edit: 'Image edit',
}

/** Examples of each mode for people to copy, complete but for the key. */
export const exampleLines = (card: ModelCard, apiUrl: string): readonly string[] =>
  card.modes.flatMap((mode) => {
    const example = { card, apiUrl, mode }
    return [
      `### ${MODE_TITLES[mode]}`,
      '',
      ...(mode === 'image_edit' && card.limits.maxInputImages > 1
        ? [`Up to ${card.limits.maxInputImages} pictures: repeat \`image\`, or give a list.`, '']
        : []),
      '#### curl',
      '',
      ...codeBlock('sh', curl(example)),
      '',
      '#### JavaScript',
      '',
      ...codeBlock('js', javascript(example)),
      '',
      '#### Python',
      '',
      ...codeBlock('python', python(example)),
      '',
    ]
  })
