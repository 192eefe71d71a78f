import { isDeepStrictEqual } from 'node:util'
import { type Clock, minutes } from '../../../core/instant.ts'
import type { Json } from '../../../core/json.ts'
import { createClient } from '../client.ts'
import { ClusterError } from '../errors.ts'
import { impersonating } from '../kubeconfig/endpoint.ts'
import type { Impersonation } from '../kubeconfig/model.ts'
import type { ClusterClient, ClusterEndpoint, KubeObject, Resource } from '../types.ts'
import { bindingName, clusterRoles, roleBindings, roleRef, subjectOf, tenantRole, tenantRoles } from './roles.ts'

/** The cluster does not let Flotilla give a tenant its rights, or act as the tenant. The message says which. */
export class AccessRefused extends Error {
  override readonly name = 'AccessRefused'
}

/** The second wall around helm (SECURITY.md): charts act as a user that has rights in its own namespaces only. */
export interface TenantAccess {
  /**
   * The cluster as this user sees it, whose rights in the namespace are there and in force. They are looked at once in
   * five minutes for a namespace. Throws `AccessRefused`. What a cluster that does not answer means is for who uses it.
   */
  as(user: string, namespace: string): Promise<ClusterEndpoint>
  /** Looks again before the next use: something was refused. */
  forget(namespace: string): void
  /** Whether Flotilla may act for tenants at all. Throws `AccessRefused` where not. */
  check(): Promise<void>
}

type Binding = KubeObject & { readonly roleRef?: Json; readonly subjects?: Json }
type Known = { readonly at: number; readonly ready: Promise<void> }

const keptMs = minutes(5)
const manager = 'flotilla'
/** The group of every tenant. */
export const tenantsGroup = 'flotilla:tenants'
/** A right that has just been given is in force when every part of the API server has heard of it. */
const inForceWithinMs = 10_000
const askAgainMs = 100
const patience = { timeoutMs: 10_000 }

export function createTenantAccess(client: ClusterClient, clock: Clock): TenantAccess {
  return new BoundTenants(client, clock)
}

class BoundTenants implements TenantAccess {
  readonly #client: ClusterClient
  readonly #clock: Clock
  readonly #known = new Map<string, Known>()
  #roles: Promise<void> | null = null

  constructor(client: ClusterClient, clock: Clock) {
    this.#client = client
    this.#clock = clock
  }

  async as(user: string, namespace: string): Promise<ClusterEndpoint> {
    const endpoint = impersonating(this.#client.endpoint, actingAs(user))
    try {
      await this.#once(`${namespace} ${user}`, () => this.#ensure(user, namespace, endpoint))
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error
    }
    return endpoint
  }

  forget(namespace: string): void {
    for (const key of this.#known.keys()) if (key.startsWith(`${namespace} `)) this.#known.delete(key)
  }

  async check(): Promise<void> {
    const wanted = { verb: 'impersonate', resource: 'groups', name: tenantsGroup }
    if (await isAllowed(this.#client, wanted)) return
    throw new AccessRefused(`its user may not impersonate the group ${tenantsGroup}`)
  }

  #once(key: string, ensure: () => Promise<void>): Promise<void> {
    const known = this.#known.get(key)
    if (known !== undefined && this.#clock.now() - known.at < keptMs) return known.ready
    const entry = { at: this.#clock.now(), ready: ensure() }
    this.#known.set(key, entry)
    entry.ready.catch(() => this.#known.get(key) === entry && this.#known.delete(key))
    return entry.ready
  }

  async #ensure(user: string, namespace: string, endpoint: ClusterEndpoint): Promise<void> {
    this.#roles ??= applyRoles(this.#client)
    await this.#roles.catch((error: unknown) => {
      this.#roles = null
      throw error
    })
    await refusedAs(`the RoleBinding ${bindingName} in ${namespace}`, () => bind(this.#client, user, namespace))
    await this.#inForce(user, namespace, createClient({ endpoint, clock: this.#clock }))
  }

  /** Asked as the tenant itself, which also shows that acting as it is allowed. */
  async #inForce(user: string, namespace: string, tenant: ClusterClient): Promise<void> {
    const end = this.#clock.now() + inForceWithinMs
    const wanted = { verb: 'create', resource: 'secrets', namespace }
    for (;;) {
      if (await refusedAs(`acting as ${user}`, () => isAllowed(tenant, wanted))) return
      if (this.#clock.now() >= end) throw new AccessRefused(`${user} has no rights in ${namespace}: see ${tenantRole}`)
      await this.#clock.sleep(askAgainMs)
    }
  }
}

const actingAs = (user: string): Impersonation => ({ user, groups: [tenantsGroup] })

/** Where Flotilla may not write ClusterRoles, those that the platform has made are taken. */
async function applyRoles(client: ClusterClient): Promise<void> {
  try {
    for (const body of tenantRoles) {
      const name = nameOf(body)
      await client.patch(clusterRoles, { name }, { type: 'apply', body, fieldManager: manager, force: true }, patience)
    }
  } catch (error) {
    if (!(error instanceof ClusterError && error.isForbidden)) throw error
    await refusedAs(`the ClusterRole ${tenantRole}`, async () => {
      if ((await client.findMetadata(clusterRoles, { name: tenantRole }, patience)) === null) throw error
    })
  }
}

async function bind(client: ClusterClient, user: string, namespace: string): Promise<void> {
  const wanted = { metadata: { name: bindingName, namespace }, roleRef, subjects: [subjectOf(user)] }
  const found = await client.find<Binding>(roleBindings, { name: bindingName, namespace }, patience)
  if (found !== null && isDeepStrictEqual(found.roleRef, roleRef) && isDeepStrictEqual(found.subjects, wanted.subjects))
    return
  // What a binding gives cannot be changed, and nobody else is to have these rights.
  if (found !== null) await client.delete(roleBindings, { name: bindingName, namespace }, patience)
  await client.create(roleBindings, wanted, patience).catch((error: unknown) => {
    if (!(error instanceof ClusterError && error.reason === 'AlreadyExists')) throw error
  })
}

const reviews: Resource = {
  ...{ group: 'authorization.k8s.io', version: 'v1', plural: 'selfsubjectaccessreviews' },
  ...{ kind: 'SelfSubjectAccessReview', namespaced: false },
}
type Review = KubeObject & { readonly spec: Json; readonly status?: { readonly allowed?: boolean } }

async function isAllowed(client: ClusterClient, resourceAttributes: Json): Promise<boolean> {
  const review: Review = { metadata: { name: '' }, spec: { resourceAttributes } }
  return (await client.create(reviews, review, patience)).status?.allowed === true
}

/** A refusal of the API server is nothing that comes right by waiting. */
async function refusedAs<T>(what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof ClusterError && error.isForbidden)) throw error
    throw new AccessRefused(`the cluster refuses ${what}: ${error.message}`)
  }
}

function nameOf(body: { readonly metadata?: Json }): string {
  return String((body.metadata as { readonly name: string }).name)
}
