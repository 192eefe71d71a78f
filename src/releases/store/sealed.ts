import type { Uuid } from '../../core/subject.ts'
import type { SealedColumn } from '../../infra/database/reseal.ts'

/** What sealed bytes belong to: bytes that were moved to another row or column do not open there. */
export const sealedAs = {
  releaseValues: (releaseId: Uuid) => `release-values:${releaseId}`,
  operationValues: (operationId: Uuid) => `operation-values:${operationId}`,
  evidence: (operationId: Uuid) => `evidence:${operationId}`,
  revisionValues: (releaseId: Uuid, revision: number) => `revision-values:${releaseId}:${revision}`,
  manifest: (releaseId: Uuid, revision: number) => `manifest:${releaseId}:${revision}`,
  hooks: (releaseId: Uuid, revision: number) => `hooks:${releaseId}:${revision}`,
} as const

const operationId = ({ id }: Readonly<Record<string, unknown>>): Uuid => String(id)

/** Where releases, their revisions, operations and attempts keep what is sealed. */
export const sealedColumns: readonly SealedColumn[] = [
  column('releases', 'values_enc', ({ id }) => sealedAs.releaseValues(String(id))),
  revision('values_enc', sealedAs.revisionValues),
  revision('manifest_enc', sealedAs.manifest),
  revision('hooks_enc', sealedAs.hooks),
  column('operations', 'values_enc', (row) => sealedAs.operationValues(operationId(row))),
  { ...column('operations', 'evidence_enc', (row) => sealedAs.evidence(operationId(row))), nested: true },
  { ...column('operations', 'state', (row) => sealedAs.evidence(operationId(row))), form: { json: 'sealed' } },
  {
    table: 'attempts',
    key: ['subject_kind', 'subject_id', 'seq'],
    column: 'failure',
    form: { json: 'sealed' },
    more: { operation: "act ->> 'operationId'" },
    context: ({ operation }) => sealedAs.evidence(String(operation)),
  },
]

function column(table: string, name: string, context: SealedColumn['context']): SealedColumn {
  return { table, key: ['id'], column: name, form: 'bytes', context }
}

function revision(name: string, context: (releaseId: Uuid, revision: number) => string): SealedColumn {
  return {
    table: 'revisions',
    key: ['release_id', 'revision'],
    column: name,
    form: 'bytes',
    context: (row) => context(String(row.release_id), Number(row.revision)),
  }
}
