import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = new URL('../..', import.meta.url).pathname

/** Namespaces of mounts and processes are root's to make. */
export const canMakeContainers = process.platform === 'linux' && process.getuid?.() === 0

/** For the title of tests that need it: says why they do not run. */
export const containerReason = canMakeContainers ? '' : ' (not run: needs Linux and root)'

/** What the Dockerfile says of one stage, those before it included. */
export interface ImageStage {
  readonly environment: Readonly<Record<string, string>>
  /** What is copied from the project. */
  readonly sources: readonly string[]
  readonly command: readonly string[]
  readonly healthCheck: readonly string[]
}

const readJson = (text: string): string[] => JSON.parse(text) as string[]

/** Reads the stage, and those that it is made from. */
export const readStage = (name: string): ImageStage => {
  const text = readFileSync(join(root, 'Dockerfile'), 'utf8').replaceAll(/\\\n\s*/g, '')
  const [, parent = '', body = ''] =
    new RegExp(`^FROM (\\S+) AS ${name}\n((?:(?!^FROM ).*\n?)*)`, 'm').exec(text) ?? []
  const before: Omit<ImageStage, 'command' | 'healthCheck'> = parent.includes(':')
    ? { environment: {}, sources: [] }
    : readStage(parent)
  const variables = [...body.matchAll(/^ENV (.*)$/gm)].flatMap(([, pairs = '']) =>
    [...pairs.matchAll(/(\w+)=(\S+)/g)].map(([, key = '', value = '']) => [key, value]),
  )
  const copied = [...body.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources = '']) =>
    sources.split(' '),
  )
  return {
    environment: { ...before.environment, ...Object.fromEntries(variables) },
    sources: [...before.sources, ...copied],
    command: readJson(/^CMD (\[.*\])$/m.exec(body)?.[1] ?? '[]'),
    healthCheck: readJson(/^HEALTHCHECK .*?CMD (\[.*\])$/m.exec(body)?.[1] ?? '[]'),
  }
}

/** As `.dockerignore` leaves them out. */
const isIgnored = (path: string): boolean => /\.test\.ts$|(^|\/)README\.md$/.test(path)

/** The user `node` of the base image. */
const NODE_USER = 1000

/** What `docker build` would put together, in a folder. */
export interface ImageByHand {
  /** Runs a command in it as compose would run the container: read-only, without rights, as process 1. */
  start(command: readonly string[], environment: Readonly<Record<string, string>>): Container
  remove(): Promise<void>
}

export interface Container {
  output(): string
  /** Of process 1. */
  signal(signal: NodeJS.Signals): Promise<void>
  readonly exit: Promise<number | null>
}

/** Mounts everything read-only but `/data` and `/tmp`, and becomes the command. */
const ENTER = `set -e
mount --make-rprivate /
mount --bind "$IMAGE" "$IMAGE"
for folder in usr lib lib64 bin etc; do
  mount --bind "/$folder" "$IMAGE/$folder"
  mount -o remount,bind,ro "$IMAGE/$folder"
done
mount --bind "$NODE" "$IMAGE/node"
mount --bind /dev "$IMAGE/dev"
mount -t proc proc "$IMAGE/proc"
mount -t tmpfs tmpfs "$IMAGE/tmp"
mount --bind "$DATA" "$IMAGE/data"
mount -o remount,bind,ro "$IMAGE"
exec chroot "$IMAGE" setpriv --reuid ${NODE_USER} --regid ${NODE_USER} --clear-groups --inh-caps=-all \\
  --bounding-set=-all --no-new-privs env --ignore-environment --chdir=/app "$@"
`

const startContainer = (
  folder: string,
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
): Container => {
  const variables = Object.entries({ ...environment, PATH: '/node:/usr/bin:/bin' })
  const child = spawn(
    'unshare',
    [
      ...['--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', ENTER, 'sh'],
      ...variables.map(([name, value]) => `${name}=${value}`),
      ...command,
    ],
    {
      env: {
        ...{ PATH: process.env['PATH'], NODE: dirname(process.execPath) },
        ...{ IMAGE: join(folder, 'image'), DATA: join(folder, 'data') },
      },
    },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  return {
    output: () => output,
    signal: async (signal) => {
      const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
      process.kill(Number.parseInt(children, 10), signal)
    },
    exit: once(child, 'exit').then(([code]) => code as number | null),
  }
}

/** Does the steps of the Dockerfile up to this stage in a clean folder, with packages of the lock file. */
export const buildByHand = async ({ sources }: ImageStage): Promise<ImageByHand> => {
  const folder = await mkdtemp(join(tmpdir(), 'fresnel-image-'))
  const app = join(folder, 'image', 'app')
  await chmod(folder, 0o755)
  for (const name of [
    'app',
    'usr',
    'lib',
    'lib64',
    'bin',
    'etc',
    'dev',
    'proc',
    'tmp',
    'data',
    'node',
  ]) {
    await mkdir(join(folder, 'image', name), { recursive: true })
  }
  await mkdir(join(folder, 'data'), { mode: 0o700 })
  await chown(join(folder, 'data'), NODE_USER, NODE_USER)
  for (const source of ['package-lock.json', ...sources]) {
    const target = join(app, source === 'LICENSE' ? basename(source) : source)
    await cp(join(root, source), target, { recursive: true, filter: (path) => !isIgnored(path) })
  }
  const npm = ['ci', '--omit=dev', '--prefer-offline', '--no-audit', '--no-fund']
  await run('npm', npm, { cwd: app })
  await rm(join(app, 'package-lock.json'))
  return {
    start: (command, environment) => startContainer(folder, command, environment),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
