import { z } from 'zod'
import { actions } from '../../core/actions.ts'
import { roles } from '../../core/subject.ts'
import { time, timeInput, uuid } from '../../infra/http/schemas.ts'

/** The name of a namespace: an RFC 1123 label. */
export const namespaceName = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'must be lower-case letters, digits and hyphens')

const displayName = z.string().trim().min(1).max(200)
export const reason = z.string().max(500).optional().describe('Kept in the audit log.')

const keyFields = {
  id: z.uuid(),
  name: z.string(),
  role: z.enum(roles),
  tenants: z.array(z.uuid()).describe('Empty for a platform-admin, who sees all.'),
  createdBy: z.string(),
  createdAt: time,
  expiresAt: time.nullable(),
  lastUsedAt: time.nullable().describe('To the minute.'),
  revokedAt: time.nullable(),
}
export const apiKey = z.strictObject(keyFields).meta({ id: 'ApiKey' })
export const createdKey = z
  .strictObject({ ...keyFields, key: z.string().nullable().describe('Shown once: null when the request is repeated.') })
  .meta({ id: 'CreatedApiKey' })
export const newKey = z
  .strictObject({
    name: displayName,
    role: z.enum(roles),
    tenants: z.array(uuid).max(1000).default([]),
    expiresAt: timeInput.optional(),
    reason,
  })
  .meta({ id: 'NewApiKey' })

export const tenant = z
  .strictObject({
    id: z.uuid(),
    name: z.string(),
    clusterId: z.uuid(),
    namespaces: z.array(z.string()),
    platformVersion: z.string().nullable(),
  })
  .meta({ id: 'Tenant' })
export const newTenant = z
  .strictObject({
    id: uuid.optional(),
    name: displayName,
    clusterId: uuid.optional().describe('The cluster of the current context unless told.'),
    namespaces: z.array(namespaceName).max(100).default([]),
    platformVersion: z
      .string()
      .max(100)
      .regex(/^[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?$/, 'must be a version like 1.2.3')
      .optional(),
    reason,
  })
  .meta({ id: 'NewTenant' })

export const cluster = z
  .strictObject({ id: z.uuid(), name: z.string(), context: z.string(), current: z.boolean() })
  .meta({ id: 'Cluster' })

export const me = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    role: z.enum(roles),
    allTenants: z.boolean(),
    tenants: z.array(z.strictObject({ id: z.uuid(), name: z.string() })).describe('Empty when allTenants is true.'),
    commands: z.array(z.enum(actions)),
  })
  .meta({ id: 'Me' })

export const auditEntry = z
  .strictObject({
    id: z.uuid(),
    at: time,
    principalId: z.string(),
    performedBy: z.string(),
    tenantId: z.uuid().nullable(),
    action: z.string(),
    subject: z.string(),
    outcome: z.string(),
    reason: z.string().nullable(),
    operationId: z.uuid().nullable(),
  })
  .meta({ id: 'AuditEntry' })
