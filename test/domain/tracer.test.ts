import { describe, expect, it } from 'vitest'
import { GatewayError, ProviderError } from '#src/domain/errors.ts'
import {
  type Activity,
  factsOfError,
  NO_TRACER,
  type Span,
  type SpanFacts,
  type Tracer,
  traced,
} from '#src/domain/tracer.ts'

const ACTIVITY: Activity = { type: 'hosting', format: 'png' }

/** A tracer that keeps what it is told. */
const createRecorder = () => {
  const told: (string | SpanFacts)[] = []
  let active: Span | undefined
  const span: Span = { note: (facts) => told.push(facts), end: () => told.push('end') }
  const tracer: Tracer = {
    ...NO_TRACER,
    isOn: true,
    start: () => span,
    within: (inner, work) => {
      active = inner
      return work()
    },
  }
  return { told, tracer, active: () => active }
}

describe('traced work', () => {
  it('runs within its span, which ends with it', async () => {
    const { told, tracer, active } = createRecorder()
    const work = async (span: Span) => {
      expect(active()).toBe(span)
      span.note({ sizeBytes: 1 })
      return 'done'
    }
    expect(await traced(tracer, ACTIVITY, work)).toBe('done')
    expect(told).toEqual([{ sizeBytes: 1 }, 'end'])
  })

  it('that fails ends its span with the class of the error, and fails all the same', async () => {
    const { told, tracer } = createRecorder()
    const failing = traced(tracer, ACTIVITY, async () => {
      throw new RangeError('secret')
    })
    await expect(failing).rejects.toThrow('secret')
    expect(told).toEqual([{ errorType: 'RangeError' }, 'end'])
  })

  it('begins no span when nothing is traced', async () => {
    expect(await traced(NO_TRACER, ACTIVITY, async (span) => span.traceId)).toBeUndefined()
    expect(NO_TRACER.headers()).toEqual({})
  })
})

describe('an error in a trace', () => {
  const provider = (kind: 'cancelled' | 'timeout') =>
    new ProviderError({ kind, workMayExist: true, publicMessage: 'p' })
  it.each<[string, unknown, SpanFacts]>([
    ['a provider', provider('timeout'), { errorType: 'timeout', isFailure: true }],
    ['nobody who waits', provider('cancelled'), { errorType: 'cancelled', isFailure: false }],
    [
      'a client',
      new GatewayError('INVALID_REQUEST', 'm'),
      { errorType: 'INVALID_REQUEST', isFailure: false },
    ],
    [
      'the gateway',
      new GatewayError('INTERNAL_ERROR', 'm'),
      { errorType: 'INTERNAL_ERROR', isFailure: true },
    ],
    ['something strange', 'text', { errorType: '_OTHER' }],
  ])('of %s is its class alone', (_who, error, facts) => {
    expect(factsOfError(error)).toEqual(facts)
  })
})
