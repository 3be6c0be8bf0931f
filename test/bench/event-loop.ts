import { benchOptions } from './bench-options.ts'
import type { Benchmark } from './benchmark.ts'
import { checkAnswers } from './check-answer.ts'
import { median } from './measure.ts'
import type { EventLoopDelay } from './observe-process.ts'
import { type GatewayWork, startFresnel, startPassThrough } from './sides.ts'
import { withStage } from './stage.ts'
import { describeValues, inFlight } from './turns.ts'
import { undisturbed } from './undisturbed.ts'

/** Answers of 20 MB at a time, and how long they go on in each round. */
const AT_ONCE = 2
const ROUND_MS = 3_000

const WORKS: readonly GatewayWork[] = [
  { provider: 'gemini', responseFormat: 'b64_json' },
  { provider: 'gemini', responseFormat: 'url' },
  { provider: 'fal', responseFormat: 'b64_json' },
]

/** At this size an answer takes longer than a scaled deadline would leave. */
const QUICK_POLLS = { TIME_SCALE: '4' }

export const eventLoop: Benchmark = {
  name: 'event-loop',
  description: `How late the event loop is while answers with pictures of 20 MB pass, ${AT_ONCE} at a time: all other requests wait for so long. Looked at each millisecond from within the process.`,
  run: () =>
    withStage(['large'], async (stage) => {
      const { keep, upstreamPort, load } = stage
      const sides = [
        ...(await Promise.all(
          WORKS.map((work) =>
            keep(startFresnel(upstreamPort, work, work.provider === 'fal' ? QUICK_POLLS : {})),
          ),
        )),
        await keep(startPassThrough(upstreamPort)),
      ]
      await checkAnswers(stage, sides, 'large')
      const seen: EventLoopDelay[][] = sides.map(() => [])
      for (const { target } of sides) await load(target, inFlight(ROUND_MS, AT_ONCE))
      for (let round = 0; round < benchOptions.rounds; round += 1) {
        for (const [place, { target, observe }] of sides.entries()) {
          const look = async (): Promise<EventLoopDelay> => {
            await observe('watchDelay', undefined)
            await load(target, inFlight(ROUND_MS, AT_ONCE))
            return observe('readDelay', undefined)
          }
          seen[place]?.push(await undisturbed(look))
        }
      }
      const figures = (place: number, figure: keyof EventLoopDelay): readonly number[] =>
        (seen[place] as EventLoopDelay[]).map((delay) => delay[figure])
      return {
        tables: [
          {
            title: 'Delay of the event loop: median of the rounds (least–most)',
            columns: ['ms', 'p50', 'p99', 'longest'],
            rows: sides.map(({ name }, place) => [
              name,
              ...(['p50Ms', 'p99Ms', 'maxMs'] as const).map((figure) =>
                describeValues(figures(place, figure)),
              ),
            ]),
          },
        ],
        goals: WORKS.map((_, place) => ({
          name: `p99 of the event loop's delay, ${sides[place]?.name}`,
          value: median(figures(place, 'p99Ms')),
          atMost: 20,
          unit: 'ms',
        })),
      }
    }),
}
