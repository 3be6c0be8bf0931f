/** Lines of Markdown under a heading, a blank line between; nothing when there are no lines. */
export const section = (heading: string, lines: readonly string[]): readonly string[] =>
  lines.length > 0 ? [heading, '', ...lines, ''] : []

/** A name or value as it is written in a request. Backticks in it would end it, so it gets more of them around. */
export const code = (text: string): string =>
  text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``

/** `a`, `b`. */
export const codes = (texts: readonly string[]): string => texts.map(code).join(', ')

/** `- Label: value`, or nothing where there is no value. */
export const fact = (label: string, value: string | number | undefined): readonly string[] =>
  value === undefined || value === '' ? [] : [`- ${label}: ${value}`]

const cell = (text: string): string => text.replaceAll('|', String.raw`\|`).replaceAll('\n', ' ')

const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`

/** A table; every row has as many cells as the header. */
export const table = (
  header: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] => [row(header), row(header.map(() => '---')), ...rows.map(row)]

/** A block of code in a language that Markdown readers colour. */
export const codeBlock = (language: string, text: string): readonly string[] => [
  `\`\`\`${language}`,
  text,
  '```',
]
