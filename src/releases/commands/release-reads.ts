import type { Clock } from '../../core/instant.ts'
import type { Uuid } from '../../core/subject.ts'
import { keptByMark } from '../../infra/database/kept-by-mark.ts'
import { inBatches, type Read } from '../../infra/database/read-batches.ts'
import type { Db } from '../../infra/database/types.ts'
import { type SharedAnswer, sharedAnswer } from '../../infra/http/shared-answer.ts'
import type { Vault } from '../../infra/secrets/vault.ts'
import type { Charts, Executions } from '../ports.ts'
import { shownWith } from '../shown.ts'
import { type MarkedRelease, type ReleaseMark, releaseMarks, releaseRows } from '../store/marked.ts'
import { sealedAs } from '../store/sealed.ts'
import { releaseView } from '../views.ts'
import { type ExecutionWait, releasesWaiting } from './execution-waits.ts'

type ReadParts = {
  readonly db: Db
  readonly vault: Vault
  readonly clock: Clock
  readonly charts: Pick<Charts, 'redact' | 'secrets'>
  readonly executions: Pick<Executions, 'waits'>
}
export type ReleaseReads = Read<Uuid, ReleaseRead>

/** Reads single releases: those that are asked for at the same time together, and one that has not changed only once. */
export function releaseReads(parts: ReadParts): ReleaseReads {
  const { db, clock, executions } = parts
  const marks = async (ids: readonly Uuid[]) => {
    const rows = await releasesWaiting(executions, await releaseMarks(db, ids))
    return new Map(rows.map((row) => [row.id, markOf(row)]))
  }
  const values = async (ids: readonly Uuid[]) => {
    const rows = await releasesWaiting(executions, await releaseRows(db, ids))
    return new Map(rows.map((row) => [row.id, new ReleaseRead(parts, row)]))
  }
  return inBatches(keptByMark({ marks, values, weigh: (release) => release.weight, clock }))
}

/** Which version of the row it is, and of what its execution waits for. */
function markOf({ mark, execution_wait = null }: ReleaseMark & ExecutionWait): string {
  return execution_wait === null ? mark : `${mark} ${JSON.stringify(execution_wait)}`
}

/** A release as a query found it, shared by all who ask for it: whoever uses it must have checked its tenant. */
export class ReleaseRead {
  readonly row: MarkedRelease & ExecutionWait
  readonly #parts: ReadParts
  #answer: Promise<SharedAnswer<Awaited<ReturnType<typeof viewOf>>>> | null = null

  constructor(parts: ReadParts, row: MarkedRelease & ExecutionWait) {
    this.#parts = parts
    this.row = row
  }

  get mark(): string {
    return markOf(this.row)
  }

  /** The row, and what was made of its values. */
  get weight(): number {
    return 4096 + 4 * this.row.values_enc.length
  }

  /** The release as callers see it, made when first asked for. */
  answer() {
    this.#answer ??= viewOf(this.#parts, this.row).then(sharedAnswer, (error: unknown) => {
      this.#answer = null
      throw error
    })
    return this.#answer
  }
}

async function viewOf({ vault, charts }: ReadParts, row: MarkedRelease & ExecutionWait) {
  const values = vault.open(row.values_enc, sealedAs.releaseValues(row.id))
  const shown = await shownWith(charts, row.chart_digests, [values])
  return releaseView(row, await shown.values(values))
}
