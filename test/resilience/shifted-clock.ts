import { readFileSync } from 'node:fs'

/*
 * Loaded into a gateway's process before it (`--import`): its wall clock is ahead by the milliseconds that the file
 * `CLOCK_SHIFT_FILE` holds, read again at SIGWINCH (SIGUSR2 ends it). The monotonic clock goes on undisturbed, as it does when a system's
 * clock is set.
 */

const file = process.env['CLOCK_SHIFT_FILE'] ?? ''
const SystemDate = Date
let shiftMs = 0

class ShiftedDate extends SystemDate {
  constructor(...parts: [] | [number | string | Date]) {
    if (parts.length === 0) super(SystemDate.now() + shiftMs)
    else super(...parts)
  }

  static override now(): number {
    return SystemDate.now() + shiftMs
  }
}

globalThis.Date = ShiftedDate as DateConstructor

process.on('SIGWINCH', () => {
  shiftMs = Number(readFileSync(file, 'utf8'))
  process.stdout.write(`{"msg":"clock shifted by ${shiftMs} ms"}\n`)
})
