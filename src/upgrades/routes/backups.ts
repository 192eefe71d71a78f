import { z } from 'zod'
import { type Place, placeAt } from '../../infra/database/ordered.ts'
import { sendList } from '../../infra/http/page.ts'
import { pageQuery, querySort, queryText } from '../../infra/http/query.ts'
import { route } from '../../infra/http/route.ts'
import { idParams } from '../../infra/http/schemas.ts'
import { recordBackup, visibleTenant } from '../commands/record-backup.ts'
import { type Backup, backupOrders, countBackups, listBackups } from '../store/backups.ts'
import { backupView } from '../views.ts'
import type { UpgradeRouteDeps } from './deps.ts'
import { backup, backupRequest } from './schemas.ts'

export const postBackup = (deps: UpgradeRouteDeps) =>
  route({
    method: 'POST',
    url: '/api/v1/tenants/:id/backups',
    operationId: 'recordBackup',
    tags: ['upgrades'],
    summary: 'Record a backup of a namespace of the tenant, so that the pre-check of an upgrade finds it',
    permission: { action: 'backup.write', scope: 'tenant' },
    schema: {
      params: idParams,
      body: backupRequest,
      responses: { 201: { description: 'The backup', schema: backup } },
    },
    handler: async ({ params, body, principal, reply, idempotency }) => {
      const { reason, ...wanted } = body
      const made = await recordBackup(deps, { principal, reason }, params.id, wanted, (tx, result) =>
        idempotency.complete(tx, { status: 201, body: backupView(result) }),
      )
      reply.code(201)
      return backupView(made)
    },
  })

export const getBackups = (deps: UpgradeRouteDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/tenants/:id/backups',
    operationId: 'listBackups',
    tags: ['upgrades'],
    summary: 'Backups that were recorded of a tenant, the one that was taken last first',
    permission: { action: 'backup.read', scope: 'tenant' },
    schema: {
      params: idParams,
      query: z.strictObject({
        ...pageQuery,
        namespace: queryText(63).optional(),
        q: queryText().optional().describe('Part of the namespace or the reference.'),
        sort: querySort(backupOrders, 'the one that was taken last first'),
      }),
      responses: { 200: { description: 'Backups', schema: z.array(backup) } },
    },
    handler: async (call) => {
      await visibleTenant(deps, call.principal, call.params.id)
      const { namespace, q, sort: order = '-takenAt' } = call.query
      const filter = { tenantId: call.params.id, namespace, q }
      return sendList(call, {
        total: () => countBackups(deps.db, filter),
        rows: (after: Place | null, limit) => listBackups(deps.db, filter, { after, limit, order }),
        position: ({ takenAt, id }: Backup) => placeAt(takenAt, id),
        present: backupView,
      })
    },
  })
