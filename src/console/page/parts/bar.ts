import { html, svg, type TemplateResult } from 'lit-html'

/** One length beside others: `parts` follow each other, of `whole`. The figures stand in the text beside it. */
export const bar = (parts: readonly number[], whole: number): TemplateResult => {
  let from = 0
  const lengths = parts.map((part) => {
    const begin = from
    const width = whole > 0 ? (Math.max(0, part) / whole) * 100 : 0
    from += width
    return { begin, width }
  })
  return html`<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
    ${lengths.map(
      ({ begin, width }, index) =>
        svg`<rect class="part-${index}" x=${begin} y="0" width=${width} height="6"></rect>`,
    )}
  </svg>`
}
