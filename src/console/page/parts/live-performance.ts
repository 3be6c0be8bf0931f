import { html, nothing, type TemplateResult } from 'lit-html'
import { count, duration, percent } from '#console/formats.ts'
import type { HourFigures, Offering, Performance, Window } from '#console/types.ts'
import './time-chart.ts'
import type { ChartContent } from './time-chart.ts'
import { windowChoice } from './window-choice.ts'

const HOUR_S = 3_600
const HOURS: Readonly<Record<Window, number>> = { '24h': 24, '7d': 168, '30d': 720 }

const row = (
  offering: Offering,
  figures: Performance | null | undefined,
  note: string,
): TemplateResult => html`<tr>
  <th scope="row" data-label="Offering">${offering.config_key}${note ? html`<br><small>${note}</small>` : nothing}</th>
  <td data-label="Half within">${duration(figures?.p50_ms)}</td>
  <td data-label="95 % within">${duration(figures?.p95_ms)}</td>
  <td data-label="Mean">${duration(figures?.mean_ms)}</td>
  <td data-label="Success">${percent(figures?.success_rate)}</td>
  <td data-label="Requests">${count(figures?.requests ?? 0)}</td>
</tr>`

const rowOf = (offering: Offering, window: Window): TemplateResult => {
  const live = offering.performance_by_window?.[window]
  if (live || offering.performance?.source !== 'model_file') return row(offering, live, '')
  return row(offering, offering.performance, 'published with the model; not measured here')
}

/** Moments at which any of them was measured, in s since the Unix epoch. */
const momentsOf = (offerings: readonly Offering[], window: Window): readonly number[] => {
  const sinceS = Date.now() / 1_000 - HOURS[window] * HOUR_S
  const all = offerings.flatMap((offering) => offering.performance_by_hour ?? [])
  const times = new Set(all.map(({ at }) => Date.parse(at) / 1_000))
  return [...times].filter((time) => time >= sinceS).sort((one, other) => one - other)
}

const chartOf = (
  offerings: readonly Offering[],
  window: Window,
  {
    label,
    format,
    read,
  }: Pick<ChartContent, 'label' | 'format'> & { read(hour: HourFigures): number | null },
): ChartContent => {
  const times = momentsOf(offerings, window)
  const lines = offerings.map((offering) => {
    const hours = new Map(
      offering.performance_by_hour?.map((hour) => [Date.parse(hour.at) / 1_000, hour]),
    )
    const values = times.map((time) => {
      const hour = hours.get(time)
      return hour ? read(hour) : null
    })
    return { name: offering.config_key, values }
  })
  return { label, format, times, lines }
}

/** How each offering did in that time, in figures and over the hours. */
export const livePerformance = (
  offerings: readonly Offering[],
  window: Window,
  choose: (window: Window) => void,
): TemplateResult => {
  const measured = offerings.filter((offering) => (offering.performance_by_hour?.length ?? 0) > 0)
  const time = chartOf(measured, window, {
    label: 'Time to image of half of the requests, by hour and offering',
    format: duration,
    read: (hour) => hour.p50_ms,
  })
  const success = chartOf(measured, window, {
    label: 'Success rate by hour and offering',
    format: percent,
    read: (hour) => hour.success_rate,
  })
  return html`
    ${windowChoice(window, choose)}
    <table class="cards">
      <caption class="hidden">Live performance by offering</caption>
      <thead>
        <tr>
          <th scope="col">Offering</th><th scope="col">Half within</th><th scope="col">95 % within</th>
          <th scope="col">Mean</th><th scope="col">Success</th><th scope="col">Requests</th>
        </tr>
      </thead>
      <tbody>${offerings.map((offering) => rowOf(offering, window))}</tbody>
    </table>
    ${
      measured.length === 0
        ? html`<p>Nothing has been measured here yet.</p>`
        : html`<div class="charts">
            <figure><figcaption>Time to image (half of them)</figcaption><time-chart .content=${time}></time-chart></figure>
            <figure><figcaption>Success rate</figcaption><time-chart .content=${success}></time-chart></figure>
          </div>`
    }
  `
}
