import { existsSync } from 'node:fs'

const FOLDERS: Readonly<Record<string, string>> = {
  x64: 'x86_64-linux-gnu',
  arm64: 'aarch64-linux-gnu',
}

/** Where Debian puts jemalloc, which the container image has (see the Dockerfile). */
const PATH = `/usr/lib/${FOLDERS[process.arch]}/libjemalloc.so.2`

/** Environment that gives a process the allocator of the container image; empty where this machine has none. */
export const IMAGE_ALLOCATOR: Readonly<Record<string, string>> = existsSync(PATH)
  ? { LD_PRELOAD: PATH }
  : {}
