import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

/** What may be shipped beside an MIT licence without asking anybody, as SPDX ids. */
const ALLOWED: readonly string[] = [
  ...['MIT', 'MIT-0', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0'],
  ...['Apache-2.0', 'Unlicense', 'CC0-1.0'],
]

/** libvips, which sharp loads as a library of its own: whoever likes replaces it, as the LGPL asks. */
const LINKED = { folder: 'node_modules/@img/', licence: 'LGPL-3.0-or-later' }

interface LockedPackage {
  readonly license?: string
  readonly dev?: boolean
}

const root = new URL('../../', import.meta.url)
const readJson = (path: string): unknown => JSON.parse(readFileSync(new URL(path, root), 'utf8'))

/** Whether an SPDX expression leaves a choice of which all is allowed. */
const isAllowed = (folder: string, expression: string): boolean =>
  expression
    .replaceAll(/[()]/g, '')
    .split(' OR ')
    .some((choice) =>
      choice
        .split(' AND ')
        .every(
          (licence) =>
            ALLOWED.includes(licence) ||
            (licence === LINKED.licence && folder.startsWith(LINKED.folder)),
        ),
    )

const lock = readJson('package-lock.json') as { packages: Record<string, LockedPackage> }

/** What an operator installs, and what says its licence. */
const shipped = Object.entries(lock.packages)
  .filter(([folder, { dev }]) => folder !== '' && !dev)
  .map(([folder, { license }]) => ({ folder, license: license ?? 'none' }))

describe('the licence of every package that is shipped', () => {
  it('is on the list', () => {
    expect(shipped.length).toBeGreaterThan(100)
    expect(shipped.filter(({ folder, license }) => !isAllowed(folder, license))).toEqual([])
  })

  it('is the one that the installed package itself tells', () => {
    const installed = shipped.filter(({ folder }) => existsSync(new URL(folder, root)))
    expect(installed.length).toBeGreaterThan(100)
    const others = installed.flatMap(({ folder, license }) => {
      const told = (readJson(`${folder}/package.json`) as LockedPackage).license
      return told === license ? [] : [{ folder, license, told }]
    })
    expect(others).toEqual([])
  })

  it.each([
    ['node_modules/a', 'GPL-3.0-only', false],
    ['node_modules/a', 'LGPL-3.0-or-later', false],
    ['node_modules/@img/sharp-wasm32', 'Apache-2.0 AND LGPL-3.0-or-later AND MIT', true],
    ['node_modules/a', 'MIT AND GPL-2.0-only', false],
    ['node_modules/a', '(MIT OR GPL-2.0-only)', true],
    ['node_modules/a', 'none', false],
  ])('of %s as %s: allowed is %s', (folder, expression, allowed) => {
    expect(isAllowed(folder, expression)).toBe(allowed)
  })
})
