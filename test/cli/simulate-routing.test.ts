import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const command = new URL('../../src/cli/simulate-routing.ts', import.meta.url).pathname

/** Runs the command; with `isLeft`, its reader leaves before it writes anything. */
const run = async (args: readonly string[], isLeft = false) => {
  const child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  if (isLeft) child.stdout.destroy()
  const [code, stdout, stderr] = await Promise.all([
    new Promise<number | null>((resolve) => child.once('close', resolve)),
    isLeft ? '' : text(child.stdout),
    text(child.stderr),
  ])
  return { code, stdout, stderr }
}

describe('simulating', () => {
  it('ends with 0 when every bar is reached', async () => {
    const { code, stdout, stderr } = await run(['--quick', '--scenario', 'S8'])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain('| S8 · attempts of a refused prompt')
  })

  it('ends with 1 when a bar is missed', async () => {
    const args = ['--quick', '--scenario', 'S1', '--set', 'timeoutSigmas=0']
    const { code, stdout, stderr } = await run(args)
    expect([code, stderr]).toEqual([1, ''])
    expect(stdout).toContain('**missed**')
  })

  it('ends without a word when nobody reads on', async () => {
    const args = ['--quick', '--scenario', 'S8', '--scenario', 'S1', '--details']
    expect(await run(args, true)).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  it.each([
    ['openEvidance=9', /^"openEvidance" is no setting; did you mean openEvidence\?/],
    ['maxAttempts=21', /^maxAttempts 21 is out of range; allowed: 1 to 20\n$/],
    ['longestTimeoutMs=180001', /^longestTimeoutMs 180001 is out of range/],
    ['probe=maybe', /^probe "maybe" is unknown; allowed: duplicate, live, off\n$/],
  ])('refuses --set %s', async (assignment, message) => {
    const { code, stdout, stderr } = await run(['--set', assignment])
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(message)
  })
})

describe('replaying a log', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fresnel-simulate-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  it('ends with 1 and says what is missing when the log holds no attempt', async () => {
    const path = join(folder, 'info.log')
    await writeFile(path, '{"level":"info","msg":"request"}\n{"msg":"attempt","outcome":"x"}\n')
    const { code, stdout, stderr } = await run(['--replay', path])
    expect(code).toBe(1)
    expect(stdout).toBe(
      '0 attempts of 0 requests read, 2 lines skipped (1 attempts that cannot be read, 1 about something else)\n',
    )
    expect(stderr).toBe(
      `${path} holds no attempt of a request; the gateway logs them at LOG_LEVEL=debug, as JSON lines with "msg":"attempt"\n`,
    )
  })
})
