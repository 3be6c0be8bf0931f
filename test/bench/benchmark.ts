/** A table as it is printed; the first column is text, the others are aligned as numbers. */
export interface Table {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** A figure and what it should be. A missed one is printed, and fails nothing: machines differ. */
export interface Goal {
  /** What was measured. */
  readonly name: string
  readonly value: number
  /** Absent: `atLeast` says what it should be. */
  readonly atMost?: number
  readonly atLeast?: number
  /** Such as `µs`; empty: a plain number. */
  readonly unit: string
}

export interface BenchmarkReport {
  readonly tables: readonly Table[]
  readonly goals: readonly Goal[]
}

/** Something that is timed; one per file. */
export interface Benchmark {
  /** What it is asked for by, in kebab case. */
  readonly name: string
  /** One sentence. */
  readonly description: string
  run(): Promise<BenchmarkReport>
}
