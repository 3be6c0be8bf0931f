/** Whether nobody waits for a result any more. A signal that ended by its time still has somebody who takes one. */
export const hasCallerLeft = ({ aborted, reason }: AbortSignal): boolean =>
  aborted && !(reason instanceof Error && reason.name === 'TimeoutError')
