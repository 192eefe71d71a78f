import type { Kysely } from 'kysely'
import type { SubjectKind, Uuid } from '../../core/subject.ts'
import type { Db, Tx } from '../../infra/database/types.ts'

export type WebhookRow = {
  id: Uuid
  tenant_id: Uuid | null
  url: string
  types: string[]
  description: string | null
  secret_enc: Buffer
  failing_since: Date | null
  paused_until: Date | null
  created_by: string
  created_at: Date
}

export type DeliveryRow = {
  id: Uuid
  webhook_id: Uuid
  subject_kind: SubjectKind
  subject_id: Uuid
  seq: number
  position: number
  event_id: Uuid
  type: string
  status: string
  attempts: number
  due_at: Date | null
  last_status: number | null
  last_error: string | null
  redelivery_of: Uuid | null
  created_at: Date
  ended_at: Date | null
}

type Tables = { webhooks: WebhookRow; webhook_deliveries: DeliveryRow }

/** The tables of this feature. */
export const tables = (db: Db | Tx) => (db as Kysely<unknown>).withTables<Tables>()
