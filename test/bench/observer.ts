/** What Node is to load by `--import` into a process that is measured. */
export const OBSERVER = new URL('observe-process.ts', import.meta.url).href
