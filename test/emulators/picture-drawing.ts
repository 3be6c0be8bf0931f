import type { ProviderId } from './emulator.ts'
import type { InputPicture } from './input-picture.ts'
import type { PictureSize } from './picture-sizes.ts'
import { createSeededRandom, hashText } from './seeded-random.ts'

/** What is to be seen on a picture. */
export interface PictureOrder {
  readonly provider: ProviderId
  readonly prompt: string
  readonly size: PictureSize
  /** Changes the ornament; equal orders with equal seeds look the same. */
  readonly seed: number
  /** Input images of an edit, shown as thumbnails. */
  readonly inputs: readonly InputPicture[]
  /** Printed beside the provider's name, such as `draft`; absent: nothing. */
  readonly note?: string
}

/** Calm backgrounds that tell the providers apart at a glance. */
const LOOKS: Readonly<Record<ProviderId, { name: string; colour: string; accent: string }>> = {
  gemini: { name: 'Gemini API', colour: '#34527a', accent: '#9fc1ee' },
  vertex: { name: 'Vertex AI', colour: '#2c6661', accent: '#94d8cf' },
  fal: { name: 'fal', colour: '#5d4a78', accent: '#cdb6ef' },
  replicate: { name: 'Replicate', colour: '#7a5140', accent: '#efc4ae' },
}

/** Mean width of a letter of a sans-serif face, in font sizes. */
const LETTER_WIDTH = 0.56
const MAX_THUMBNAILS = 14

/** Drops what XML 1.0 cannot hold and escapes the rest. */
const escapeXml = (text: string): string =>
  text
    .toWellFormed()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones XML forbids
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

const cellsOf = (character: string): number => ((character.codePointAt(0) ?? 0) > 0x2e80 ? 2 : 1)

/** Breaks text into at most `maxLines` lines of `maxCells` cells, at spaces where there are any. */
export const wrapText = (text: string, maxCells: number, maxLines: number): string[] => {
  const lines: string[] = []
  let line = ''
  let cells = 0
  for (const character of text.replace(/\s+/g, ' ').trim()) {
    if (cells + cellsOf(character) > maxCells) {
      const space = line.lastIndexOf(' ')
      const isBreakable = space > 0 && character !== ' '
      lines.push(isBreakable ? line.slice(0, space) : line)
      line = isBreakable ? line.slice(space + 1) : ''
      cells = [...line].reduce((sum, each) => sum + cellsOf(each), 0)
      if (lines.length === maxLines) return [...lines.slice(0, -1), `${lines.at(-1)}…`]
    }
    if (line === '' && character === ' ') continue
    line += character
    cells += cellsOf(character)
  }
  return line ? [...lines, line] : lines
}

const drawOrnament = (order: PictureOrder, accent: string): string => {
  const { width, height } = order.size
  const random = createSeededRandom(hashText(order.prompt) ^ order.seed)
  const circles = Array.from({ length: 7 }, () => {
    const radius = Math.min(width, height) * (0.08 + 0.3 * random.uniform())
    const x = (width * random.uniform()).toFixed(1)
    const y = (height * (0.3 + 0.7 * random.uniform())).toFixed(1)
    return `<circle cx="${x}" cy="${y}" r="${radius.toFixed(1)}" fill="${accent}" opacity="0.13"/>`
  })
  return circles.join('')
}

interface TextLine {
  readonly text: string
  /** Baseline in pixels from the top. */
  readonly y: number
  /** Font size in pixels. */
  readonly font: number
  readonly isBold: boolean
}

const drawLine = (line: TextLine, x: number): string => {
  const weight = line.isBold ? ' font-weight="bold"' : ''
  const attributes = `x="${x.toFixed(1)}" y="${line.y.toFixed(1)}" font-size="${line.font.toFixed(1)}"`
  return `<text ${attributes}${weight}>${escapeXml(line.text)}</text>`
}

const drawThumbnails = (inputs: readonly InputPicture[], size: PictureSize, top: number) => {
  const shown = inputs.slice(0, MAX_THUMBNAILS)
  const margin = Math.min(size.width, size.height) / 14
  const available = size.width - 2 * margin
  const side = Math.min(available / Math.min(shown.length, 7), margin * 3)
  const perRow = Math.max(1, Math.floor(available / side))
  return shown.map(({ thumbnail }, index) => {
    const x = margin + (index % perRow) * side
    const y = top + Math.floor(index / perRow) * side
    const href = `data:image/png;base64,${thumbnail.toString('base64')}`
    const box = `x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${(side * 0.94).toFixed(1)}"`
    return `<image ${box} height="${(side * 0.94).toFixed(1)}" href="${href}"/>`
  })
}

/** The picture as SVG: who made it, what was asked, how large, and from how many images. */
export const drawPicture = (order: PictureOrder): string => {
  const { width, height } = order.size
  const { name, colour, accent } = LOOKS[order.provider]
  const font = Math.min(width, height) / 18
  const margin = Math.min(width, height) / 14
  const maxCells = Math.max(8, Math.floor((width - 2 * margin) / (font * LETTER_WIDTH)))
  const maxLines = Math.max(1, Math.floor((height - margin * 2) / (font * 1.3) - 7))
  const prompt = wrapText(order.prompt, maxCells, maxLines)
  const title = order.note ? `${name} · ${order.note}` : name
  const top = margin + font * 1.6
  const lines: TextLine[] = [{ text: title, y: top, font: font * 1.5, isBold: true }]
  prompt.forEach((text, index) => {
    lines.push({ text, y: top + font * (1.9 + 1.3 * index), font, isBold: false })
  })
  const count = order.inputs.length
  const edit = count > 0 ? ` · edit of ${count} image${count > 1 ? 's' : ''}` : ''
  const footer = `${width}×${height}${edit}`
  lines.push({ text: footer, y: height - margin, font: font * 0.8, isBold: false })
  const drawnLines = lines.map((line) => drawLine(line, margin)).join('')
  const thumbnailTop = top + font * (1.3 * prompt.length + 1.6)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">`,
    `<rect width="100%" height="100%" fill="${colour}"/>${drawOrnament(order, accent)}`,
    ...drawThumbnails(order.inputs, order.size, thumbnailTop),
    `<g fill="#ffffff" font-family="DejaVu Sans, sans-serif">${drawnLines}</g></svg>`,
  ].join('')
}
