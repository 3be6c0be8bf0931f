import type uPlot from 'uplot'
import type { AlignedData, Options, Series } from 'uplot'
import { THEME_CHANGED } from '#console/session.ts'

/** What a chart shows over time. */
export interface ChartLine {
  readonly name: string
  /** One for each moment; `null`: nothing to be shown then. */
  readonly values: readonly (number | null)[]
  /** Columns instead of a line. */
  readonly isColumn?: boolean
}

export interface ChartContent {
  /** What is seen, for who cannot see it. */
  readonly label: string
  /** In s since the Unix epoch. */
  readonly times: readonly number[]
  readonly lines: readonly ChartLine[]
  readonly format: (value: number) => string
}

const HEIGHT_PX = 180
const HOUR_S = 3_600

/** What the system asks for. */
const DARK = matchMedia('(prefers-color-scheme: dark)')

/** Colours of the style sheet, in order. */
const COLOURS = ['--line-0', '--line-1', '--line-2', '--line-3']

const options = (
  { lines, format }: ChartContent,
  width: number,
  style: CSSStyleDeclaration,
  columns: Series.PathBuilder | undefined,
): Options => {
  const [text, faint] = [style.getPropertyValue('--text-quiet'), style.getPropertyValue('--edge')]
  const axis = {
    stroke: text,
    grid: { stroke: faint, width: 1 },
    ticks: { stroke: faint, width: 1 },
  }
  const series = lines.map(({ name, isColumn }, index): Series => {
    const stroke = style.getPropertyValue(COLOURS[index % COLOURS.length] ?? '')
    return {
      label: name,
      stroke,
      width: 2,
      spanGaps: true,
      points: { size: 5 },
      value: (_chart, value) => (value === null || value === undefined ? '–' : format(value)),
      ...(isColumn && columns && { paths: columns, fill: stroke, points: { show: false } }),
    }
  })
  return {
    width,
    height: HEIGHT_PX,
    scales: {
      // A single moment would be shown within months.
      x: { range: (_chart, from, to) => (from === to ? [from - HOUR_S, to + HOUR_S] : [from, to]) },
      y: { range: (_chart, _low, high) => [0, Math.max(high * 1.1, 1e-6)] },
    },
    axes: [axis, { ...axis, size: 62, values: (_chart, ticks) => ticks.map(format) }],
    series: [{ value: '{YYYY}-{MM}-{DD} {HH}:{mm}' }, ...series],
    legend: { live: true },
    cursor: { y: false },
  }
}

/** `<time-chart .content=…>`: drawn by uPlot, which is loaded with the first chart. */
class TimeChart extends HTMLElement {
  #content: ChartContent | undefined
  #chart: uPlot | undefined
  #drawnWidth = 0
  #frame = 0
  readonly #sizes = new ResizeObserver(() => {
    if (this.clientWidth !== this.#drawnWidth) this.#schedule()
  })

  readonly #recolour = (): void => this.#schedule()

  set content(content: ChartContent) {
    this.#content = content
    this.setAttribute('role', 'img')
    this.setAttribute('aria-label', content.label)
    this.#schedule()
  }

  connectedCallback(): void {
    this.#sizes.observe(this)
    addEventListener(THEME_CHANGED, this.#recolour)
    DARK.addEventListener('change', this.#recolour)
    this.#schedule()
  }

  disconnectedCallback(): void {
    this.#sizes.disconnect()
    removeEventListener(THEME_CHANGED, this.#recolour)
    DARK.removeEventListener('change', this.#recolour)
    cancelAnimationFrame(this.#frame)
    this.#chart?.destroy()
    this.#chart = undefined
  }

  #schedule(): void {
    cancelAnimationFrame(this.#frame)
    this.#frame = requestAnimationFrame(() => void this.#draw())
  }

  async #draw(): Promise<void> {
    const { default: Plot } = await import('uplot')
    const content = this.#content
    if (!content || !this.isConnected || this.clientWidth === 0) return
    this.#chart?.destroy()
    this.#drawnWidth = this.clientWidth
    const columns = Plot.paths.bars?.({ size: [0.7, 40] })
    const chosen = options(content, this.#drawnWidth, getComputedStyle(this), columns)
    const values = [content.times, ...content.lines.map((line) => line.values)]
    this.#chart = new Plot(chosen, values as unknown as AlignedData, this)
  }
}

customElements.define('time-chart', TimeChart)
