import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { LiveGateway } from './live-gateway.ts'

const fileIn = (folder: string): string => join(folder, 'clock-shift')

/** Environment of a gateway whose clock can be shifted. */
export const shiftable = (folder: string): Record<string, string> => ({
  NODE_OPTIONS: `--import=${new URL('./shifted-clock.ts', import.meta.url).pathname}`,
  CLOCK_SHIFT_FILE: fileIn(folder),
})

/** Sets the clock of a gateway that was started as `shiftable` to so many ms ahead of this machine's. */
export const shiftClock = async (
  { process }: LiveGateway,
  folder: string,
  shiftMs: number,
): Promise<void> => {
  await writeFile(fileIn(folder), String(shiftMs))
  process.output = ''
  process.child.kill('SIGWINCH')
  await expect.poll(() => process.output).toContain(`clock shifted by ${shiftMs} ms`)
}
