import { z } from 'zod'
import { sendList } from '../../infra/http/page.ts'
import { pageQuery, queryText } from '../../infra/http/query.ts'
import { type FeatureRoutes, route } from '../../infra/http/route.ts'
import { idParams, uuid } from '../../infra/http/schemas.ts'
import { noSuchVersion } from '../commands/change.ts'
import { createVersion, type NewVersion } from '../commands/create-version.ts'
import { listVersions, type VersionPlace, versionOrders } from '../commands/list-versions.ts'
import { updateVersion } from '../commands/update-version.ts'
import type { RegistryDeps } from '../deps.ts'
import { findVersion } from '../store/versions.ts'
import { reads, writes } from './components.ts'
import { newVersion, version, versionPatch, versionStatus } from './schemas.ts'
import { presentVersion } from './views.ts'

/** Versions of a component: added, listed, read, changed. */
export function versionRoutes(deps: RegistryDeps): FeatureRoutes {
  return [postVersion(deps), getVersions(deps), getVersion(deps), patchVersion(deps)]
}

const params = z.strictObject({ id: uuid, versionId: uuid })

const postVersion = (deps: RegistryDeps) =>
  route({
    method: 'POST',
    url: '/api/v1/registry/components/:id/versions',
    operationId: 'createComponentVersion',
    tags: ['registry'],
    summary: 'Add a version to a component',
    permission: writes,
    schema: {
      params: idParams,
      body: newVersion,
      responses: { 201: { description: 'The version', schema: version, headers: { Location: 'Where it is read' } } },
    },
    handler: async ({ params: { id }, body, principal, reply, idempotency }) => {
      const headers = (versionId: string) => ({
        location: `/api/v1/registry/components/${id}/versions/${versionId}`,
      })
      const caller = { principal, reason: body.reason }
      const made = await createVersion(deps, caller, id, wantedVersion(body), (tx, result) =>
        idempotency.complete(tx, { status: 201, headers: headers(result.id), body: presentVersion(result) }),
      )
      reply.code(201).headers(headers(made.id))
      return presentVersion(made)
    },
  })

function wantedVersion(body: z.output<typeof newVersion>): NewVersion {
  return {
    version: body.version,
    status: body.status,
    description: body.description ?? null,
    releaseNotes: body.releaseNotes ?? null,
    releaseDate: body.releaseDate ?? null,
    endOfSupportDate: body.endOfSupportDate ?? null,
    endOfLifeDate: body.endOfLifeDate ?? null,
    dockerImage: body.dockerImage ?? null,
    helmChartVersion: body.helmChartVersion ?? null,
    minPlatformVersion: body.minPlatformVersion ?? null,
    maxPlatformVersion: body.maxPlatformVersion ?? null,
    lts: body.lts ?? false,
    recommended: body.recommended ?? false,
    dependencies: body.dependencies ?? {},
  }
}

const getVersions = (deps: RegistryDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/registry/components/:id/versions',
    operationId: 'listComponentVersions',
    tags: ['registry'],
    summary: 'Versions of a component, newest first; by `version` in semver order',
    permission: reads,
    schema: {
      params: idParams,
      query: z.strictObject({
        ...pageQuery,
        q: queryText().optional().describe('Part of the version, the description or the release notes.'),
        status: versionStatus.optional(),
        sort: z.enum(versionOrders).optional().describe('`-` is descending; newest first unless told.'),
      }),
      responses: { 200: { description: 'Versions', schema: z.array(version) } },
    },
    handler: async (call) => {
      const { limit: _, cursor: __, sort = '-createdAt', ...filter } = call.query
      const list = await listVersions(deps, call.params.id, filter, sort)
      return sendList(call, {
        rows: (after: VersionPlace | null, limit) => list.after(after, limit),
        position: (row): VersionPlace => ({ id: row.id, version: row.version, createdAt: row.createdAt }),
        present: presentVersion,
        total: async () => list.total,
      })
    },
  })

const getVersion = (deps: RegistryDeps) =>
  route({
    method: 'GET',
    url: '/api/v1/registry/components/:id/versions/:versionId',
    operationId: 'getComponentVersion',
    tags: ['registry'],
    summary: 'One version of a component',
    permission: reads,
    schema: { params, responses: { 200: { description: 'The version', schema: version } } },
    handler: async ({ params: { id, versionId } }) => {
      const found = await findVersion(deps.db, id, versionId)
      if (found === null) throw noSuchVersion(versionId)
      return presentVersion(found)
    },
  })

const patchVersion = (deps: RegistryDeps) =>
  route({
    method: 'PATCH',
    url: '/api/v1/registry/components/:id/versions/:versionId',
    operationId: 'updateComponentVersion',
    tags: ['registry'],
    summary: 'Change fields of a version; its number stays',
    permission: writes,
    schema: {
      params,
      body: versionPatch,
      responses: { 200: { description: 'The version as it now is', schema: version } },
    },
    handler: async ({ params: { id, versionId }, body, principal, idempotency }) => {
      const { reason, ...patch } = body
      const ids = { componentId: id, versionId }
      const changed = await updateVersion(deps, { principal, reason }, ids, patch, (tx, result) =>
        idempotency.complete(tx, { status: 200, body: presentVersion(result) }),
      )
      return presentVersion(changed)
    },
  })
