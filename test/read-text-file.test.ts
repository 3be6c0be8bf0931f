import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readTextFile, TextFileError } from '#src/read-text-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'fresnel-text-'))
afterAll(() => rmSync(folder, { recursive: true }))

const fileOf = (name: string, content: string | Buffer): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const linkTo = (name: string, target: string): string => {
  const path = join(folder, name)
  symlinkSync(target, path)
  return path
}

const problemOf = (path: string): string => {
  try {
    readTextFile(path, 100)
  } catch (error) {
    expect(error).toBeInstanceOf(TextFileError)
    return (error as Error).message
  }
  return 'none'
}

describe('a file of text', () => {
  it('is read whole, without the mark that some editors put at its beginning', () => {
    expect(readTextFile(fileOf('plain', 'häuser\n'), 100)).toBe('häuser\n')
    expect(readTextFile(fileOf('marked', '\uFEFFa'), 100)).toBe('a')
    expect(readTextFile(fileOf('longest', 'a'.repeat(100)), 100)).toHaveLength(100)
    expect(readTextFile(linkTo('link', fileOf('aim', 'x')), 100)).toBe('x')
  })

  it('that cannot be used is told by what is wrong with it, not by what is in it', () => {
    expect(problemOf(join(folder, 'none'))).toBe('does not exist')
    expect(problemOf(join(fileOf('file', ''), 'below'))).toBe('does not exist')
    expect(problemOf(linkTo('dangling', join(folder, 'none')))).toBe('does not exist')
    expect(problemOf(linkTo('circle', join(folder, 'circle')))).toBe(
      'is a link that leads back to itself',
    )
    expect(problemOf(folder)).toBe('is a folder')
    expect(problemOf(fileOf('long', 'a'.repeat(101)))).toBe('is larger than 100 bytes')
    expect(problemOf('/dev/zero')).toBe('is larger than 100 bytes')
    expect(problemOf(fileOf('binary', Buffer.from([1, 0, 2])))).toBe('is not text')
    expect(problemOf(fileOf('latin', Buffer.from('häuser', 'latin1')))).toBe('is not UTF-8 text')
  })

  it('may come through a pipe', () => {
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    // Both sides wait for each other.
    spawn('sh', ['-c', `printf 'from a pipe' > ${pipe}`], { stdio: 'ignore' })
    expect(readTextFile(pipe, 100)).toBe('from a pipe')
  })
})
